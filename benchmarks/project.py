"""How fast do events become rows in the background, each exactly once?

A table of balances, one statement for each event. Backstory feeds it from a SQLite file into a file beside it, with its
runner's own step; `declared SQL` and `materialized` are the two other ways to say the same. The peer has its events in
memory, because its runner cannot follow SQLite. The limit is what Python can do at all: rows, msgspec's decoder, and
one statement for each event in one transaction.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from typing import ClassVar

import apsw

from backstory import Database, Projection, Tx
from backstory.projections.feed import Feed, Step
from backstory.projections.materialize import Materialized
from backstory.projections.projection import AnyProjection
from benchmarks import bank
from benchmarks.bank import Deposited, Withdrawn
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run

TABLE = "CREATE TABLE balances (account TEXT PRIMARY KEY, cents BIGINT NOT NULL)"
ADD = "INSERT INTO balances VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET cents = balances.cents + excluded.cents"


class Balances(Projection):
    """The balance of each account."""

    tables: ClassVar[str | Mapping[str, str]] = {"sqlite": f"{TABLE} WITHOUT ROWID", "postgresql": TABLE}

    def apply(self, event: Deposited | Withdrawn, tx: Tx) -> None:
        """One event."""
        cents = event.cents if isinstance(event, Deposited) else -event.cents
        tx.execute(ADD, (event.account, cents))


class Declared(Projection):
    """The same, said in SQL."""

    events = (Deposited, Withdrawn)
    tables = Balances.tables
    sql: ClassVar[Mapping[str, str]] = {
        "sqlite": """
            INSERT INTO balances
            SELECT data->>'account', sum(CASE type WHEN 'Deposited' THEN data->>'cents' ELSE -(data->>'cents') END)
            FROM events WHERE true GROUP BY 1
            ON CONFLICT (account) DO UPDATE SET cents = balances.cents + excluded.cents
        """,
        "postgresql": """
            INSERT INTO balances
            SELECT data->>'account',
                sum(CASE type WHEN 'Deposited' THEN (data->>'cents')::bigint ELSE -(data->>'cents')::bigint END)
            FROM events GROUP BY 1
            ON CONFLICT (account) DO UPDATE SET cents = balances.cents + excluded.cents
        """,
    }


def fed(db: Database, projection: AnyProjection, count: int) -> float:
    """Steps of a feed until the end of the log, as a rate."""
    group = db.views.group_of(projection)
    home = db.views.ensured(group)
    row = home.make(1 + max(each.generation for each in home.rows()))
    clock = bank.Stopwatch()
    feed = Feed(home, db.views.source, row)
    while feed.step() is Step.MOVED:
        pass
    rate = clock.rate(count)
    assert feed.row.position == count
    home.drop(feed.row)
    return rate


def backstory(run: Run, projection: AnyProjection) -> float:
    """From a SQLite file into a file beside it."""
    with bank.database(run.kept.parent / "Backstory" / "bank.db") as db:
        return fed(db, projection, run.sizes["events"])


def raw(run: Run) -> float:
    """Read, decode, one statement each."""
    with bank.database(run.kept.parent / "Backstory" / "bank.db") as db:
        connection = apsw.Connection(str(run.folder / "raw.db"))
        connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
        connection.execute(f"{TABLE} WITHOUT ROWID")
        clock = bank.Stopwatch()
        done, decode = 0, db.handle.drafter.codec.decode
        while records := list(db.log.read(after=done, limit=1_000)):
            cursor = connection.cursor()
            with connection:
                for record in records:
                    event = decode(record)
                    cursor.execute(
                        ADD, (event.account, event.cents if type(event) is Deposited else -event.cents)
                    )
            done += len(records)
        rate = clock.rate(done)
        connection.close()
        return rate


def eventsourcing(run: Run) -> float:
    """Its runner, from memory."""
    from benchmarks import peer_projection as peer

    count = run.sizes["peer"]
    with peer.runner(run.folder / "es.db", bank.facts(count, run.sizes["accounts"])) as running:
        running.wait(count, timeout=600)
        return peer.Bank.clock.rate(count)


def _fill(run: Run) -> None:
    bank.fill(run.kept / "bank.db", run.sizes["events"], run.sizes["accounts"])


QUESTION = Question(
    "project",
    "events per second into a table, in the background",
    "events/s",
    [
        Contestant("Backstory", partial(backstory, projection=Balances), _fill),
        Contestant("declared SQL", partial(backstory, projection=Declared), note="Backstory"),
        Contestant(
            "materialized", partial(backstory, projection=Materialized(bank.Account)), note="Backstory"
        ),
        Contestant("raw SQLite", raw, note="rows, decode, a statement each; the limit"),
        Contestant("eventsourcing", eventsourcing, note="its runner, from memory"),
    ],
    [
        Goal("Backstory", at_least=90_000),
        Goal("Backstory", "raw SQLite", at_least=0.6),
        Goal("declared SQL", at_least=200_000),
        Goal("Backstory", "eventsourcing", at_least=30),
    ],
    {"events": 200_000, "accounts": 10_000, "peer": 10_000},
    {"events": 2_000, "accounts": 100, "peer": 100},
    rounds=3,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
