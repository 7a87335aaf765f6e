"""The time that a question may take which reads a history: then reading ends, wherever it is.

    with within(TimeLimit(0.1)):
        ...                         # what is read through a reader's database, or a table of states, counts

The clock runs from the first reading, and is looked at now and then. A question that reads little is always answered,
however slow the machine is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TypeVar

from backstory.store import ALL, Log
from backstory.values.commit import Commit
from backstory.values.event_data import EventCount, RecordedEvent
from backstory.values.links import Key
from backstory.values.query import Query

T = TypeVar("T", RecordedEvent, Commit)
V = TypeVar("V")

EVERY = 64
"""Events, commits and rows that are read between two looks at the clock."""

LITTLE = 1_000
"""Events, commits and rows that a question may always read: a few milliseconds of a machine that has no other work."""


class OutOfTime(BaseException):
    """The time is over; `hints` say what else would give the answer.

    It is no `Exception`, so that nobody takes it for an error of an application's code. Like Ctrl-C it may end any
    read, so what must be given back is given back in a `finally`.
    """

    hints: tuple[str, ...] = ()

    def hinted(self, *hints: str) -> OutOfTime:
        """The same, with more hints."""
        self.hints = (*self.hints, *hints)
        return self


class TimeLimit:
    """So many seconds from the first reading on, of this clock.

    `read` counts the events, commits and rows that were read, and `furthest` is the highest position among them.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self.read = 0
        self.furthest = 0
        self._clock = clock
        self._began: float | None = None
        self._is_stopped = False

    def stop(self) -> None:
        """End the question at its next look at the clock, from any thread: nobody waits for the answer any more."""
        self._is_stopped = True

    def is_past(self, share: float) -> bool:
        """Whether a share of the time is over. That of a question which has read little never is."""
        if self._is_stopped:
            return True
        return (
            self.read >= LITTLE
            and self._began is not None
            and self._clock() - self._began > share * self.seconds
        )

    def each(self, found: Iterable[T]) -> Iterator[T]:
        """The same events or commits, as long as there is time. Raises `OutOfTime`."""
        if self._began is None:
            self._began = self._clock()
        for one in found:
            self.read += 1
            self.furthest = max(self.furthest, one.position)
            if not self.read % EVERY and self.is_past(1):
                raise OutOfTime
            yield one

    def whole(self, count: Callable[[], list[EventCount]]) -> list[EventCount]:
        """The counts of a store, which counts in one step. The time is looked at before that, so no count is lost.

        Raises `OutOfTime`.
        """
        if self._began is None:
            self._began = self._clock()
        if self.is_past(1):
            raise OutOfTime
        found = count()
        self.read += sum(each.events for each in found)
        self.furthest = max(self.furthest, *(each.last for each in found), 0)
        return found

    def each_other(self, found: Iterable[V]) -> Iterator[V]:
        """The same of things that have no position, such as rows of a table. Raises `OutOfTime`."""
        if self._began is None:
            self._began = self._clock()
        for one in found:
            self.read += 1
            if not self.read % EVERY and self.is_past(1):
                raise OutOfTime
            yield one


_limit: ContextVar[TimeLimit | None] = ContextVar("time limit", default=None)


def current() -> TimeLimit | None:
    """The limit of the question that is being answered; None if it may take what it takes."""
    return _limit.get()


def counted(found: Iterable[V]) -> Iterable[V]:
    """Rows or states that are looked at one by one, which counts for the limit of the question at hand."""
    limit = _limit.get()
    return found if limit is None else limit.each_other(found)


@contextmanager
def within(limit: TimeLimit) -> Iterator[TimeLimit]:
    """Let a block of code read for so long. Raises `OutOfTime` from within it."""
    token = _limit.set(limit)
    try:
        yield limit
    finally:
        _limit.reset(token)


class TimedLog:
    """A log whose reading counts for the limit of the question at hand, if there is one."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.append = log.append
        self.commits_at = log.commits_at
        self.find = log.find
        self.head = log.head
        self.wait = log.wait

    def read(
        self,
        query: Query = ALL,
        *,
        after: int = 0,
        upto: int | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Iterator[RecordedEvent]:
        """Stream the events that match; see `Log.read`."""
        return _timed(self._log.read(query, after=after, upto=upto, backwards=backwards, limit=limit))

    def commits(
        self, *, after: int = 0, upto: int | None = None, backwards: bool = False, limit: int | None = None
    ) -> Iterator[Commit]:
        """Stream the commits; see `Log.commits`."""
        return _timed(self._log.commits(after=after, upto=upto, backwards=backwards, limit=limit))

    def linked(
        self, key: Key, id: str, *, after: int = 0, upto: int | None = None, limit: int | None = None
    ) -> Iterator[Commit]:
        """Stream the commits that have a link; see `Log.linked`."""
        return _timed(self._log.linked(key, id, after=after, upto=upto, limit=limit))

    def counts(self, *, after: int = 0, upto: int | None = None) -> list[EventCount]:
        """Count the events; see `Log.counts`."""
        count = partial(self._log.counts, after=after, upto=upto)
        limit = _limit.get()
        return count() if limit is None else limit.whole(count)


def _timed(found: Iterator[T]) -> Iterator[T]:
    limit = _limit.get()
    return found if limit is None else limit.each(found)
