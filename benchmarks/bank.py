"""What the questions append, read and decide: deposits and withdrawals on accounts, and Backstory set up for them."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backstory.database import Database, connect
from backstory.decide.commands import command
from backstory.decide.state import State
from backstory.errors import Refused
from backstory.store import Log, append
from backstory.stores import open_store
from backstory.values.codec import PLAIN
from backstory.values.commit import Commit, Draft, draft
from backstory.values.event import Event, Tag
from backstory.values.query import Condition


class Deposited(Event):
    """Money came in."""

    account: Tag[str]
    cents: int


class Withdrawn(Event):
    """Money went out."""

    account: Tag[str]
    cents: int


class Account(State):
    """What an account holds."""

    account: Tag[str]
    balance: int = 0

    def apply(self, event: Deposited | Withdrawn) -> None:
        """One more event."""
        match event:
            case Deposited(cents=cents):
                self.balance += cents
            case Withdrawn(cents=cents):
                self.balance -= cents


@command
def deposit(account: Account, cents: int) -> Iterator[Deposited]:
    """Put money in, unless there is too much."""
    if account.balance + cents > 10**15:
        raise Refused("no bank keeps so much")
    yield Deposited(account.account, cents)


def facts(count: int, accounts: int, seed: int = 7) -> list[tuple[bool, str, int]]:
    """So many deposits (True) and withdrawals on accounts at random: plain values, the same for every contestant."""
    chance = random.Random(seed)
    return [
        (chance.random() < 0.6, f"a-{chance.randrange(accounts):06}", chance.randrange(1, 100_000))
        for _ in range(count)
    ]


def events(facts: Iterable[tuple[bool, str, int]]) -> list[Deposited | Withdrawn]:
    """The facts as events."""
    return [
        Deposited(account, cents) if deposit else Withdrawn(account, cents)
        for deposit, account, cents in facts
    ]


def batched(facts: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """The facts in groups of `size`."""
    return (facts[start : start + size] for start in range(0, len(facts), size))


@contextmanager
def main_log(path: Path) -> Iterator[Log]:
    """Backstory as its users have it: one SQLite file, WAL, synchronous=FULL, with every index and the hash chain."""
    store = open_store(str(path))
    try:
        yield store.log()
    finally:
        store.close()


@contextmanager
def database(path: Path) -> Iterator[Database]:
    """The same file with its verbs."""
    with connect(str(path)) as opened:
        yield opened


def drafted(events: Iterable[Event], condition: Condition | None = None) -> Draft:
    """A commit of these events, as the database makes one: typed events are encoded and checked, the id is new."""
    return draft(map(PLAIN.encode, events), id=str(uuid.uuid4()), time=datetime.now(UTC), condition=condition)


def fill(path: Path, count: int, accounts: int, size: int = 1_000) -> None:
    """A store of so many events, `size` of them a commit."""
    with main_log(path) as log:
        for group in batched(facts(count, accounts), size):
            append(log, drafted(events(group)))


def fill_entity(path: Path, account: str, own: int, others: int, size: int = 1_000) -> None:
    """A store where an account has so many events, spread evenly between those of 1,000 others."""
    with main_log(path) as log:
        for group in batched(mixed(account, own, others), size):
            append(log, drafted(events(group)))


def mixed(account: str, own: int, others: int) -> list[tuple[bool, str, int]]:
    """So many facts of one account, spread evenly between those of 1,000 others."""
    every, found = (own + others) // own, facts(own + others, 1_000, 11)
    for index in range(0, own * every, every):
        deposit, _, cents = found[index]
        found[index] = (deposit, account, cents)
    return found


def commit(log: Log, event: Event, condition: Condition | None) -> Commit:
    """Append one event durably."""
    [recorded] = append(log, drafted([event], condition))
    return recorded


class Stopwatch:
    """Seconds since it was started."""

    def __init__(self) -> None:
        self.started = time.perf_counter()

    def rate(self, count: int) -> float:
        """So many, per second."""
        return count / (time.perf_counter() - self.started)
