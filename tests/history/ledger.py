"""What the tests of branches decide: entries that say what had been read when they were written.

So two decisions are the same exactly where they read the same, and no test can be right by luck.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from zlib import crc32

from backstory import Event, Refused, State, Tag, command
from backstory.database import Database
from backstory.errors import MergeConflict
from backstory.history.merge.merge import MergeReport
from backstory.history.merge.replay import MergeStep
from backstory.store import Store
from backstory.stores.memory import MemoryStore
from backstory.values.codec import PLAIN
from backstory.values.event_data import EventData

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Entered(Event, name="ledger.entered"):
    book: Tag[str]
    number: int
    seen: int


class Book(State):
    """All entries of one book, as a checksum that their order changes."""

    book: Tag[str]
    total: int = 0
    seen: int = 0

    def apply(self, event: Entered) -> None:
        self.total += event.number
        self.seen = crc32(f"{self.seen} {event.number} {event.seen}".encode())


@command(name="ledger.enter")
def enter(book: Book, number: int) -> Iterator[Entered]:
    yield Entered(book.book, number, book.seen)


@command(name="ledger.move")
def move(source: Book, target: Book, number: int) -> Iterator[Entered]:
    yield Entered(source.book, -number, source.seen)
    yield Entered(target.book, number, source.seen ^ target.seen)


@command(name="ledger.draw")
def draw(book: Book, number: int) -> Iterator[Entered]:
    if book.total < number:
        raise Refused("not that much")
    yield Entered(book.book, -number, 0)


def clock() -> Callable[[], datetime]:
    """One second later at every look."""
    seconds = count()
    return lambda: START + timedelta(seconds=next(seconds))


def ids(prefix: str = "c") -> Callable[[], str]:
    """c1, c2, ..."""
    numbers = count(1)
    return lambda: f"{prefix}{next(numbers)}"


def secrets() -> Callable[[], bytes]:
    """The numbers from 1, in 16 bytes each."""
    return (number.to_bytes(16) for number in count(1)).__next__


def ledger(store: Store | None = None) -> Database:
    """A database whose clock, ids and secrets are the same in every run."""
    return Database(store or MemoryStore(), clock=clock(), ids=ids(), secrets=secrets())


def reported(verb: Callable[..., MergeReport], *given: object) -> MergeReport:
    """The report of a merge, rebase or cherry-pick, also of one that is in conflict."""
    try:
        return verb(*given)
    except MergeConflict as conflict:
        return conflict.report


def decided_again(trial: Database, step: MergeStep) -> list[EventData]:
    """What the command of a step decides now."""
    from backstory.decide.register import definitions

    recorded = step.commit.command
    assert recorded is not None
    made = definitions[recorded["name"]].parse(recorded["arguments"])
    return [PLAIN.encode(event) for event in trial.preview(made).events]
