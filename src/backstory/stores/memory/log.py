"""A log in two lists, and an index of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from copy import copy
from itertools import islice
from operator import attrgetter
from typing import Protocol

import msgspec

from backstory.lookup import counted
from backstory.store import ALL, Verdict
from backstory.stores.appending import append_through
from backstory.stores.memory.index import Index
from backstory.stores.rows import emptied, hash_range
from backstory.stores.streams import merged
from backstory.unit import Batch, Hook, Outcome, Step, Unit
from backstory.values.commit import Commit, Head, recorded
from backstory.values.event_data import EventCount, RecordedEvent
from backstory.values.links import Key, word, words_of
from backstory.values.query import Query, matcher
from backstory.waiting import wait_beyond

BY_POSITION = attrgetter("position")


class Home(Protocol):
    """The parts of a store that its logs need."""

    def write(self, units: Sequence[Unit]) -> list[Outcome]:
        """Do each unit."""
        ...

    def head(self, number: int) -> Head:
        """The end of a log."""
        ...

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call a function after each write."""
        ...


class MemoryLog:
    """A log in two lists, and an index of them.

    It ends at its head, which the store has. Entries of the lists beyond the head were never appended: Ctrl-C broke
    the append off, or a fork whose child lacks the thread that was writing. The next append takes them away.
    """

    def __init__(self, home: Home, number: int, origin: Head, made_by: str) -> None:
        self.origin = origin
        self.made_by = made_by
        self._home = home
        self._number = number
        self._events: list[RecordedEvent] = []
        self._commits: list[Commit] = []
        self._ids: dict[str, Commit] = {}
        self._index = Index()

    def at(self, home: Home) -> MemoryLog:
        """The same log in another home, which knows the log's end there."""
        moved = copy(self)
        moved._home = home
        return moved

    def become(self, other: MemoryLog) -> MemoryLog:
        """The same log again, with the events that it has in another home."""
        self._events, self._commits, self._ids = other._events, other._commits, other._ids
        self._index = other._index
        return self

    def append(
        self, batches: Sequence[Batch], *, beside: Sequence[Step] = (), within: Hook | None = None
    ) -> list[Verdict]:
        """Judge and append each batch; see `Log.append`."""
        return append_through(self._home.write, self._number, batches, beside, within)

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
        head = self.head().position
        return self.events(query, after, head if upto is None else min(upto, head), backwards, limit)

    def events(
        self, query: Query, after: int, upto: int, backwards: bool = False, limit: int | None = None
    ) -> Iterator[RecordedEvent]:
        """The events that match, with `after < position <= upto`."""
        origin = self.origin.position
        after, upto = max(after, origin), max(upto, origin)
        if query.is_all:
            positions = [iter(range(upto, after, -1) if backwards else range(after + 1, upto + 1))]
        else:
            positions = self._index.proposed(query, after, upto, backwards=backwards)
        matches, events = matcher(query), self._events
        streams = [(events[position - origin - 1] for position in stream) for stream in positions]
        found = merged(streams, backwards=backwards)
        return islice((event for event in found if matches(event.type, event.tags)), limit)

    def commits(
        self, *, after: int = 0, upto: int | None = None, backwards: bool = False, limit: int | None = None
    ) -> Iterator[Commit]:
        """Stream the commits; see `Log.commits`."""
        head = self.head().position
        return self.commits_between(after, head if upto is None else min(upto, head), backwards, limit)

    def commits_between(
        self, after: int, upto: int, backwards: bool = False, limit: int | None = None
    ) -> Iterator[Commit]:
        """The commits with `after < position <= upto`."""
        low = bisect_right(self._commits, after, key=BY_POSITION)
        high = bisect_right(self._commits, upto, key=BY_POSITION)
        indexes = range(high - 1, low - 1, -1) if backwards else range(low, high)
        return islice((self._commits[index] for index in indexes), limit)

    def commits_at(self, positions: Collection[int]) -> list[Commit]:
        """The commits that hold these positions; see `Log.commits_at`."""
        head = self.head().position
        there = {position for position in positions if self.origin.position < position <= head}
        indexes = {bisect_left(self._commits, position, key=BY_POSITION) for position in there}
        return [self._commits[index] for index in sorted(indexes)]

    def find(self, name: str) -> list[Commit]:
        """The commits that `name` may mean; see `Log.find`."""
        head = self.head()
        known = self.by_id(name, head)
        bounds = hash_range(name.lower()) if name else None
        whole = () if bounds is None else self._commits[: self._whole(head)]
        found = [commit for commit in whole if bounds and bounds[0] <= commit.hash <= bounds[1]]
        return found if known is None else [known, *(commit for commit in found if commit is not known)]

    def linked(
        self, key: Key, id: str, *, after: int = 0, upto: int | None = None, limit: int | None = None
    ) -> Iterator[Commit]:
        """Stream the commits that have a link; see `Log.linked`."""
        head, asked = self.head().position, word(key, id)
        found = self.commits_at(self._index.linked(asked, after, head if upto is None else min(upto, head)))
        return islice((commit for commit in found if asked in words_of(commit.metadata_json)), limit)

    def counts(self, *, after: int = 0, upto: int | None = None) -> list[EventCount]:
        """Count the events; see `Log.counts`."""
        return counted(self, after, upto)

    def by_id(self, id: str, head: Head) -> Commit | None:
        """The commit with this id, up to a head."""
        known = self._ids.get(id)
        return known if known is not None and known.position <= head.position else None

    def hash_at(self, position: int) -> bytes | None:
        """The hash of the commit that ends at a position, or of the origin."""
        if position == self.origin.position:
            return self.origin.hash
        index = bisect_left(self._commits, position, key=BY_POSITION)
        commits = self._commits[index : index + 1]
        return commits[0].hash if commits and commits[0].position == position else None

    def has(self, position: int, hash: bytes, head: Head) -> bool:
        """Whether it has this commit itself, up to a head."""
        return self.origin.position < position <= head.position and self.hash_at(position) == hash

    def head(self) -> Head:
        """The end of the log."""
        return self._home.head(self._number)

    def wait(self, after: int, timeout: float | None = None) -> int:
        """Sleep until the head is beyond `after`; see `Log.wait`."""
        return wait_beyond(self._home, self, after, timeout)

    def add(self, batch: Batch, commits: Sequence[Commit], head: Head) -> None:
        """Put a batch beyond a head, in the place of entries that stand there."""
        self._clear_beyond(head)
        for draft, commit in zip(batch, commits, strict=True):
            events = recorded(draft.events, commit)
            self._events += events
            self._index.add(events)
            self._commits.append(commit)
            self._ids[commit.id] = commit
            self._index.link(commit)

    def _clear_beyond(self, head: Head) -> None:
        end = head.position - self.origin.position
        if len(self._events) > end:
            whole = self._whole(head)
            for commit in self._commits[whole:]:
                self._ids.pop(commit.id, None)
            self._index.cut(self._events[end:], self._commits[whole:], head.position)
            del self._commits[whole:]
            del self._events[end:]  # at last: that they are there says that there is something to clear

    def _whole(self, head: Head) -> int:
        return bisect_right(self._commits, head.position, key=BY_POSITION)

    def withhold(self, commit: Commit, places: Sequence[int]) -> None:
        """Take the bytes of these parts away; the same log in another home keeps them."""
        first = commit.first - 1 - self.origin.position
        events, commits = list(self._events), list(self._commits)
        own = events[first : first + commit.size]
        kept, rest = emptied(commit, own, places)
        for index, (event, left) in enumerate(zip(own, rest, strict=True)):
            events[first + index] = msgspec.structs.replace(event, data=left.data)
        commits[bisect_left(commits, commit.position, key=BY_POSITION)] = kept
        self._events, self._commits, self._ids = events, commits, {**self._ids, commit.id: kept}
