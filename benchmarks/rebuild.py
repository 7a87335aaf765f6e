"""How fast is one entity of 10,000 events rebuilt, with nothing remembered of it?

Its events are spread between ten times as many of others. The limit is what Python can do at all: SQLite's rows of a
table that has an index on the tags, msgspec's decoder, and `match`. `from a snapshot` is what Backstory's users have by
default from the second time on; it is counted as if all events had been read.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import ClassVar
from uuid import UUID, uuid5

import msgspec

from benchmarks import bank, raw
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run
from benchmarks.read_typed import balance

ENTITY = "the-one"
SELECT = "SELECT type, CAST(data AS BLOB) FROM events WHERE tags = ? ORDER BY position"


class Account(bank.Account):
    """An account that is folded from its first event on."""

    snapshot_every: ClassVar[int] = 0


def backstory(run: Run, *, snapshot: bool = False) -> float:
    """load."""
    kind = bank.Account if snapshot else Account
    with bank.database(run.kept.parent / "Backstory" / "bank.db") as db:
        if snapshot:
            db.load(kind(ENTITY))
    with bank.database(run.kept.parent / "Backstory" / "bank.db") as db:
        db.load(kind("another"))
        clock = bank.Stopwatch()
        assert db.load(kind(ENTITY)).balance
        return clock.rate(run.sizes["events"])


def raw_sqlite(run: Run) -> float:
    """Rows, decode, match."""
    decoders = {
        "Deposited": msgspec.json.Decoder(bank.Deposited).decode,
        "Withdrawn": msgspec.json.Decoder(bank.Withdrawn).decode,
    }
    with raw.connection(run.kept / "raw.db") as opened:
        opened.execute(SELECT, ('["account:another"]',)).fetchall()
        clock = bank.Stopwatch()
        assert balance(
            decoders[type](data) for type, data in opened.execute(SELECT, (f'["account:{ENTITY}"]',))
        )
        return clock.rate(run.sizes["events"])


def eventsourcing(run: Run, *, plain: bool = False) -> float:
    """Get the aggregate."""
    from benchmarks import peer_eventsourcing as peer

    app = peer.bank(run.kept / "es.db", plain=plain)
    app.account(aggregate("a-000001"))
    clock = bank.Stopwatch()
    assert app.account(aggregate(ENTITY)).balance
    return clock.rate(run.sizes["events"])


def aggregate(account: str) -> UUID:
    """The id of an account's aggregate."""
    return uuid5(UUID(int=0), account)


def _fill_backstory(run: Run) -> None:
    bank.fill_entity(run.kept / "bank.db", ENTITY, run.sizes["events"], run.sizes["others"])


def _fill_raw(run: Run) -> None:
    facts = bank.mixed(ENTITY, run.sizes["events"], run.sizes["others"])
    with raw.connection(run.kept / "raw.db") as opened:
        for group in bank.batched(raw.rows_of(bank.events(facts), 1_000), 1_000):
            raw.commit(opened, group)
        opened.execute("CREATE INDEX events_by_tags ON events (tags)")


def _fill_eventsourcing(run: Run, *, plain: bool = False) -> None:
    from benchmarks import peer_eventsourcing as peer

    app, versions = peer.bank(run.kept / "es.db", plain=plain), dict[str, int]()
    for group in bank.batched(bank.mixed(ENTITY, run.sizes["events"], run.sizes["others"]), 1_000):
        app.events.put([peer.next_event(fact, aggregate(fact[1]), versions, plain=plain) for fact in group])


QUESTION = Question(
    "rebuild",
    "events per second when one entity is rebuilt, cold",
    "events/s",
    [
        Contestant("Backstory", backstory, _fill_backstory),
        Contestant("raw SQLite", raw_sqlite, _fill_raw, note="rows, decode, match; the limit"),
        Contestant("eventsourcing", eventsourcing, _fill_eventsourcing, note="msgspec"),
        Contestant(
            "eventsourcing JSON",
            partial(eventsourcing, plain=True),
            partial(_fill_eventsourcing, plain=True),
            note="its defaults",
        ),
        Contestant("from a snapshot", partial(backstory, snapshot=True), note="Backstory's default"),
    ],
    [
        Goal("Backstory", "raw SQLite", at_least=0.72),
        Goal("Backstory", "eventsourcing", at_least=20),
        Goal("Backstory", "eventsourcing JSON", at_least=20),
    ],
    {"events": 10_000, "others": 100_000},
    {"events": 500, "others": 1_000},
    rounds=9,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
