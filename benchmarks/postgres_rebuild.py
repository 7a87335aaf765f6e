"""How fast is one entity of 10,000 events rebuilt from PostgreSQL, typed, with nothing remembered of it?

Its events stand between those of others. eventsourcing reads its aggregate with the quick mapper, and its DCB recorder
with the MessagePack mapper that comes with it. The limit is what psycopg, msgspec and `match` can do at all with one
query. `from a snapshot` is what Backstory's users have by default from the second time on; it is counted as if all
events had been read.
"""

from __future__ import annotations

import sys
from functools import partial
from uuid import UUID, uuid5

import msgspec

from backstory import connect
from backstory.store import append
from benchmarks import bank, postgres
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run
from benchmarks.read_typed import balance
from benchmarks.rebuild import ENTITY, Account

Facts = list[tuple[bool, str, int]]


def _facts(run: Run) -> Facts:
    return bank.mixed(ENTITY, run.sizes["events"], run.sizes["others"])


def _fill(run: Run, address: str) -> None:
    with postgres.main_log(address) as log:
        for group in bank.batched(_facts(run), 1_000):
            append(log, bank.drafted(bank.events(group)))


def backstory(run: Run, *, snapshot: bool = False) -> float:
    """load."""
    kind = bank.Account if snapshot else Account
    with postgres.server(run.folder) as server:
        _fill(run, server.address())
        if snapshot:
            with connect(server.address()) as db:
                db.load(kind(ENTITY))
        with connect(server.address()) as db:
            db.load(kind("a-000001"))
            clock = bank.Stopwatch()
            assert db.load(kind(ENTITY)).balance
            return clock.rate(run.sizes["events"])


RAW = """
CREATE TABLE events (key bigint PRIMARY KEY, account text, type text, data bytea);
CREATE INDEX events_account ON events (account, key);
"""
SELECT = b"SELECT type, data FROM events WHERE account = %s ORDER BY key"


def raw(run: Run) -> float:
    """All rows of one query, decode, match."""
    decoders = {
        "Deposited": msgspec.json.Decoder(bank.Deposited).decode,
        "Withdrawn": msgspec.json.Decoder(bank.Withdrawn).decode,
    }
    with postgres.server(run.folder) as server, server.admin() as connection:
        connection.execute(RAW)
        cursor = connection.cursor(binary=True)
        cursor.executemany(
            "INSERT INTO events VALUES (%s, %s, %s, %s)",
            [
                (key, event.account, type(event).__name__, msgspec.json.encode(event))
                for key, event in enumerate(bank.events(_facts(run)), 1)
            ],
        )
        cursor.execute(SELECT, ("a-000001",)).fetchall()
        clock = bank.Stopwatch()
        assert balance(decoders[kind](data) for kind, data in cursor.execute(SELECT, (ENTITY,)))
        return clock.rate(run.sizes["events"])


def aggregates(run: Run) -> float:
    """The aggregate's events, and its projection."""
    from benchmarks import peer_eventsourcing as peer

    def of(account: str) -> UUID:
        return uuid5(UUID(int=0), account)

    with postgres.server(run.folder) as server, postgres.aggregates(server) as store:
        versions: dict[str, int] = {}
        for group in bank.batched(_facts(run), 1_000):
            store.put([peer.next_event(fact, of(fact[1]), versions, plain=False) for fact in group])
        peer.Account.project(None, store.get(of("a-000001")))
        clock = bank.Stopwatch()
        account = peer.Account.project(None, store.get(of(ENTITY)))
        assert account
        assert account.balance
        return clock.rate(run.sizes["events"])


class Deposited(msgspec.Struct, frozen=True):
    """Money came in."""

    account: str
    cents: int


class Withdrawn(msgspec.Struct, frozen=True):
    """Money went out."""

    account: str
    cents: int


def dcb(run: Run) -> float:
    """The events with the account's tag, mapped and matched."""
    with postgres.server(run.folder) as server, postgres.dcb(server) as recorder:
        from eventsourcing.dcb.api import DCBQuery, DCBQueryItem
        from eventsourcing.dcb.domain import Tagged
        from eventsourcing.dcb.msgpack import MessagePackMapper

        mapper = MessagePackMapper()
        for group in bank.batched(_facts(run), 1_000):
            events = [
                Tagged([f"account:{account}"], (Deposited if deposit else Withdrawn)(account, cents))
                for deposit, account, cents in group
            ]
            recorder.append([mapper.to_dcb_event(event) for event in events])

        def balance(account: str) -> int:
            total = 0
            for found in recorder.read(DCBQuery([DCBQueryItem(tags=[f"account:{account}"])])):
                match mapper.to_domain_event(found.event).decision:
                    case Deposited(cents=cents):
                        total += cents
                    case Withdrawn(cents=cents):
                        total -= cents
            return total

        balance("a-000001")
        clock = bank.Stopwatch()
        assert balance(ENTITY)
        return clock.rate(run.sizes["events"])


QUESTION = Question(
    "postgres_rebuild",
    "events per second when one entity is rebuilt from PostgreSQL, cold",
    "events/s",
    [
        Contestant("Backstory", backstory),
        Contestant("raw PostgreSQL", raw, note="rows, decode, match; the limit"),
        Contestant("eventsourcing aggregates", aggregates, note="msgspec"),
        Contestant("eventsourcing DCB", dcb, note="MessagePack"),
        Contestant("from a snapshot", partial(backstory, snapshot=True), note="Backstory's default"),
    ],
    [
        Goal("Backstory", "eventsourcing aggregates", at_least=10),
        Goal("Backstory", "eventsourcing DCB", at_least=10),
    ],
    {"events": 10_000, "others": 20_000},
    {"events": 500, "others": 500},
    rounds=3,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
