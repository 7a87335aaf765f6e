"""How fast is one entity of 10,000 events rebuilt from PostgreSQL, typed, with nothing remembered of it?

Its events stand between those of others. eventsourcing reads its aggregate with the quick mapper, and its DCB recorder
with the MessagePack mapper that comes with it.
"""

from __future__ import annotations

import sys
from uuid import UUID, uuid5

import msgspec

from backstory import connect
from backstory.store import append
from benchmarks import bank, postgres
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run
from benchmarks.rebuild import ENTITY, Account

Facts = list[tuple[bool, str, int]]


def _facts(run: Run) -> Facts:
    return bank.mixed(ENTITY, run.sizes["events"], run.sizes["others"])


def backstory(run: Run) -> float:
    """load, without a snapshot."""
    with postgres.server(run.folder) as server:
        with postgres.main_log(server.address()) as log:
            for group in bank.batched(_facts(run), 1_000):
                append(log, bank.drafted(bank.events(group)))
        with connect(server.address()) as db:
            db.load(Account("a-000001"))
            clock = bank.Stopwatch()
            assert db.load(Account(ENTITY)).balance
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
        Contestant("eventsourcing aggregates", aggregates, note="msgspec"),
        Contestant("eventsourcing DCB", dcb, note="MessagePack"),
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
