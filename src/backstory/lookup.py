"""Common questions to a log: the commit at a position, or with an id; a commit's events; a point.

A question that takes long is a generator, which stops on its way for somebody who waits, and returns the answer.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Generator, Iterable, Iterator
from itertools import chain, islice, repeat
from typing import Any, TypeVar

from backstory.errors import BranchError, StoreCorrupt
from backstory.store import Log
from backstory.told import pasted
from backstory.values.commit import ORIGIN, Commit, Head
from backstory.values.event_data import EventCount, RecordedEvent, command_name

T = TypeVar("T")

AHEAD = 64, 256, 1024
"""How many events are read at a time, at first and later, so that their commits can be asked for together."""


def to_end(question: Generator[Any, None, T]) -> T:
    """The answer to a question that stops on its way, for somebody who does not wait."""
    while True:
        try:
            next(question)
        except StopIteration as end:
            found: T = end.value
            return found


def commit_at(log: Log, position: int) -> Commit:
    """The commit that holds a position up to the head. Raises `StoreCorrupt` if there is none."""
    for commit in log.commits(after=position - 1, limit=1):
        return commit
    raise StoreCorrupt(f"the commit that holds #{position} is missing; run: {pasted('verify')}")


class Together:
    """The commits that hold some positions: all of them are asked for once the first is wanted."""

    __slots__ = ("_commits", "_ends", "_log", "_positions")

    def __init__(self, log: Log, positions: Collection[int]) -> None:
        self._log = log
        self._positions = positions
        self._commits: list[Commit] = []
        self._ends: list[int] = []

    def __call__(self, position: int) -> Commit:
        """The commit that holds a position: one of these, or another one, which is asked for alone."""
        self.fetch()
        index = bisect_left(self._ends, position)
        if index < len(self._ends) and self._commits[index].first <= position:
            return self._commits[index]
        return commit_at(self._log, position)

    def fetch(self) -> None:
        """Ask for the commits now."""
        if self._positions:
            commits = self._log.commits_at(self._positions)
            self._ends = [commit.position for commit in commits]
            self._commits = commits
            self._positions = ()  # at last: another thread may ask, too


class Commits:
    """Finds the commits of events while they are read in order. The events are read some ahead, a chunk at a time, and
    the commits of a chunk are asked for together, if any is wanted.
    """

    __slots__ = ("_log", "chunk")

    def __init__(self, log: Log) -> None:
        self._log = log
        self.chunk = Together(log, ())

    def __call__(self, position: int) -> Commit:
        """The commit that holds a position; without a question to the log, mostly, if it is of the last events."""
        return self.chunk(position)

    def of(self, records: Iterable[RecordedEvent]) -> Iterator[RecordedEvent]:
        """The same events; `chunk` finds the commit of the last one that was given, and of those around it."""
        for chunk in self.chunks(records):
            yield from chunk

    def chunks(self, records: Iterable[RecordedEvent]) -> Iterator[list[RecordedEvent]]:
        """The same events, some at a time; `chunk` finds the commits of those that were given last."""
        reading = iter(records)
        for size in chain(AHEAD, repeat(AHEAD[-1])):
            chunk: list[RecordedEvent] = []
            wrong: Exception | None = None
            try:
                chunk.extend(islice(reading, size))
            except Exception as error:  # noqa: BLE001 - it is raised after the events that came before it
                wrong = error
            self.chunk = Together(self._log, {record.commit for record in chunk})
            if chunk:
                yield chunk
            if wrong is not None:
                raise wrong
            if len(chunk) < size:
                return


def commit_with(log: Log, id: str, upto: int | None = None) -> Commit | None:
    """The commit that has this id, up to a position; None if there is none."""
    found = next((commit for commit in log.find(id) if commit.id == id), None)
    return found if found is None or upto is None or found.position <= upto else None


def has_commit(log: Log, hash: bytes) -> bool:
    """Whether a log has the commit with this hash."""
    return any(commit.hash == hash for commit in log.find(hash.hex()))


def event_at(log: Log, position: int) -> RecordedEvent | None:
    """The event at a position; None if there is none, or none that the reader of the log may see."""
    return next(iter(log.read(after=position - 1, upto=position)), None)


def events_of(log: Log, commit: Commit, limit: int | None = None) -> Iterator[RecordedEvent]:
    """The events of a commit, or the first of them."""
    return log.read(after=commit.first - 1, upto=commit.position, limit=limit)


def counted(log: Log, after: int = 0, upto: int | None = None) -> list[EventCount]:
    """The counts of a log by reading it, for one that has no quicker way; see `Log.counts`."""
    found: dict[tuple[str, str, int], EventCount] = {}
    reading = log.commits(after=after, upto=upto)
    while commits := {commit.position: commit for commit in islice(reading, AHEAD[-1])}:
        names = {position: command_name(commit.command_json) for position, commit in commits.items()}
        start, end = next(iter(commits.values())).first - 1, max(commits)
        for event in log.read(after=start, upto=end):
            time = commits[event.commit].time
            three = (names[event.commit], event.type, event.version)
            known = found.get(three)
            found[three] = (
                EventCount(*three, 1, event.position, event.position, time)
                if known is None
                else EventCount(*three, known.events + 1, known.first, event.position, time)
            )
    return list(found.values())


def head_at(log: Log, position: int) -> Head:
    """The head as it was at a position. Raises `BranchError` beyond the log, and in the middle of a commit."""
    head = log.head()
    if position == head.position:
        return head
    if position == 0:
        return ORIGIN
    if not 0 < position < head.position:
        raise BranchError(f"there is no #{position}: the log ends at #{head.position}")
    commit = commit_at(log, position)
    if commit.position != position:
        raise BranchError(
            f"#{position} is in the middle of commit {commit.hash.hex()[:10]} (#{commit.first} to #{commit.position}):"
            f" start at its end, #{commit.position}, or before it, #{commit.first - 1}"
        )
    return commit.point
