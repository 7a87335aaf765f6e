"""The `eventsourcing` library on SQLite, with the quickest mapper that its documentation shows.

The set-up is that of "Aggregate 9" (https://eventsourcing.readthedocs.io/en/stable/topics/examples/aggregate9.html):
events are frozen msgspec structs, and the mapper writes them with msgspec instead of the default JSON transcoder. Its
SQLite module uses WAL, and Python's default of synchronous=FULL, so a commit is as durable as Backstory's.

Appending uses the aggregate recorder, its quickest: one `executemany`, and no order over all aggregates. Reading
everything needs that order, so it uses the application recorder and its notifications, a thousand at a time.

Deciding uses its application with its cache of aggregates, which reads the newer events of an aggregate, as Backstory
does; the aggregates are immutable, so they are not copied (`DEEPCOPY_FROM_AGGREGATE_CACHE`).

"eventsourcing JSON" is the same with the library's default mapper and transcoder, and for deciding its default
application and aggregate class too: what its users have who change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

import msgspec

from benchmarks.bank import batched, facts
from benchmarks.frame import Skip

try:
    from eventsourcing.application import Application
    from eventsourcing.domain import Aggregate, AggregateEvent, event
    from eventsourcing.persistence import (
        DatetimeAsISO,
        InfrastructureFactory,
        IntegrityError,
        JSONTranscoder,
        Mapper,
        StoredEvent,
        Transcoder,
        UUIDAsHex,
    )
    from eventsourcing.utils import Environment, get_topic, resolve_topic
except ImportError as missing:
    raise Skip(f"eventsourcing is not installed ({missing})") from missing


def _now() -> datetime:
    return datetime.now(UTC)


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """An event of an aggregate."""

    originator_id: UUID
    originator_version: int
    timestamp: datetime = msgspec.field(default_factory=_now)


class Deposited(Fact, frozen=True, kw_only=True):
    """Money came in."""

    account: str
    cents: int


class Withdrawn(Fact, frozen=True, kw_only=True):
    """Money went out."""

    account: str
    cents: int


class PlainDeposited(AggregateEvent):
    """Money came in, as the default mapper wants it."""

    account: str
    cents: int


class PlainWithdrawn(AggregateEvent):
    """Money went out, as the default mapper wants it."""

    account: str
    cents: int


class MsgspecMapper(Mapper):
    """Structs as JSON bytes and back."""

    def to_stored_event(self, domain_event: Any) -> Any:
        """An event in stored form."""
        state = msgspec.json.encode(domain_event)
        topic = get_topic(type(domain_event))
        return StoredEvent(domain_event.originator_id, domain_event.originator_version, topic, state)

    def to_domain_event(self, stored_event: Any) -> Any:
        """The event of a stored one."""
        return msgspec.json.decode(stored_event.state, type=resolve_topic(stored_event.topic))


class NoTranscoder(Transcoder):
    """The mapper needs none."""

    def encode(self, obj: object) -> bytes:
        """Not used."""
        raise NotImplementedError

    def decode(self, data: bytes) -> Any:
        """Not used."""
        raise NotImplementedError


def factory(path: Path) -> Any:
    """Its infrastructure over one SQLite file."""
    return InfrastructureFactory.construct(
        Environment("Bench", {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(path)})
    )


def event_store(path: Path, *, ordered: bool = False, plain: bool = False) -> Any:
    """Its event store: with an order over all aggregates, or without; with the default mapper, or the quick one."""
    made = factory(path)
    recorder = made.application_recorder() if ordered else made.aggregate_recorder()
    return made.event_store(
        mapper=_plain_mapper() if plain else MsgspecMapper(NoTranscoder()), recorder=recorder
    )


def _plain_mapper() -> Any:
    transcoder = JSONTranscoder()
    transcoder.register(UUIDAsHex())
    transcoder.register(DatetimeAsISO())
    return Mapper(transcoder)


def aggregate_events(
    group: Sequence[tuple[bool, str, int]], aggregate: UUID, after: int, *, plain: bool = False
) -> list[Any]:
    """These facts as the next events of one aggregate."""
    if plain:
        now = _now()
        return [
            (PlainDeposited if deposit else PlainWithdrawn)(
                originator_id=aggregate,
                originator_version=version,
                timestamp=now,
                account=account,
                cents=cents,
            )
            for version, (deposit, account, cents) in enumerate(group, after + 1)
        ]
    return [
        (Deposited if deposit else Withdrawn)(
            originator_id=aggregate, originator_version=version, account=account, cents=cents
        )
        for version, (deposit, account, cents) in enumerate(group, after + 1)
    ]


def fill(path: Path, count: int, accounts: int, size: int = 1_000, *, plain: bool = False) -> None:
    """A file of so many events in order."""
    store, aggregate, done = event_store(path, ordered=True, plain=plain), uuid4(), 0
    for group in batched(facts(count, accounts), size):
        store.put(aggregate_events(group, aggregate, done, plain=plain))
        done += len(group)


class Account(msgspec.Struct, frozen=True):
    """What an account holds, as an immutable aggregate."""

    id: UUID
    version: int
    balance: int

    @staticmethod
    def project(account: Account | None, events: Iterable[Fact]) -> Account | None:
        """The account after these events."""
        for found in events:
            balance = 0 if account is None else account.balance
            match found:
                case Deposited(originator_id=id, originator_version=version, cents=cents):
                    account = Account(id, version, balance + cents)
                case Withdrawn(originator_id=id, originator_version=version, cents=cents):
                    account = Account(id, version, balance - cents)
        return account


class PlainAccount(Aggregate):
    """The same as its tutorial has it."""

    @event("Opened")
    def __init__(self) -> None:
        self.balance = 0

    @event("Deposited")
    def deposit(self, account: str, cents: int) -> None:  # noqa: ARG002 - the event records it
        """Money comes in."""
        self.balance += cents

    @event("Withdrawn")
    def withdraw(self, account: str, cents: int) -> None:  # noqa: ARG002 - the event records it
        """Money goes out."""
        self.balance -= cents


class Bank(Application):
    """Deposits, with the quick mapper."""

    def construct_mapper(self) -> Any:
        """The quick one."""
        return MsgspecMapper(NoTranscoder())

    def account(self, id: UUID) -> Account:
        """The account as it is now."""
        account: Account = self.repository.get(id, projector_func=Account.project)
        return account

    def open(self, name: str = "") -> UUID:
        """An account with a first deposit: an aggregate is there from its first event on. A new one without a name."""
        id = uuid5(NAMESPACE_OID, name) if name else uuid4()
        with suppress(IntegrityError):  # somebody has opened it
            self.save(Deposited(originator_id=id, originator_version=1, account="a", cents=1))
        return id

    def deposit_surely(self, id: UUID, cents: int) -> None:
        """Load, decide, append; again on a conflict."""
        while True:
            with suppress(IntegrityError):
                self.deposit(id, cents)
                return

    def deposit(self, id: UUID, cents: int) -> None:
        """Load, decide, append."""
        account = self.account(id)
        if account.balance + cents > 10**15:
            raise ValueError("no bank keeps so much")
        self.save(
            Deposited(originator_id=id, originator_version=account.version + 1, account="a", cents=cents)
        )


class PlainBank(Application):
    """Deposits, with everything as it comes."""

    def account(self, id: UUID) -> PlainAccount:
        """The account as it is now."""
        account: PlainAccount = self.repository.get(id)
        return account

    def open(self) -> UUID:
        """A new account."""
        account = PlainAccount()
        self.save(account)
        id: UUID = account.id
        return id

    def deposit(self, id: UUID, cents: int) -> None:
        """Load, decide, append."""
        account = self.account(id)
        if account.balance + cents > 10**15:
            raise ValueError("no bank keeps so much")
        account.deposit("a", cents)
        self.save(account)


def bank(path: Path, *, plain: bool = False) -> Any:
    """An application over one SQLite file."""
    options = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(path)}
    if plain:
        return PlainBank(options)
    return Bank(options | {"AGGREGATE_CACHE_MAXSIZE": "10000", "DEEPCOPY_FROM_AGGREGATE_CACHE": "n"})


def next_event(fact: tuple[bool, str, int], id: UUID, versions: dict[str, int], *, plain: bool) -> Any:
    """A fact as the next event of its account's aggregate; `versions` are those of all so far."""
    deposit, account, cents = fact
    version = versions[account] = versions.get(account, 0) + 1
    if not plain:
        kind = Deposited if deposit else Withdrawn
        return kind(originator_id=id, originator_version=version, account=account, cents=cents)
    common: dict[str, Any] = {"originator_id": id, "originator_version": version, "timestamp": _now()}
    if version == 1:
        return PlainAccount.Opened(originator_topic=get_topic(PlainAccount), **common)
    kind = PlainAccount.Deposited if deposit else PlainAccount.Withdrawn
    return kind(account=account, cents=cents, **common)
