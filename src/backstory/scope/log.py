"""A log as a reader with a scope sees it."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec

from backstory.errors import StoreRefused
from backstory.lookup import counted
from backstory.scope.rule import Scope, sight_of
from backstory.store import ALL, Log, Verdict
from backstory.stores.guarded import SameCommits
from backstory.timelimit import TimedLog
from backstory.unit import Batch
from backstory.values.commit import AUTHOR, COMMAND, DATA, MESSAGE, METADATA, QUERY, Commit, kept_back
from backstory.values.event_data import EventCount, RecordedEvent
from backstory.values.links import Key
from backstory.values.query import Query

CHUNK = 64
"""Commits whose events are looked at together."""

GAP = 64
"""Events between two commits that are read for nothing; beyond them, another read begins."""

REMEMBERED = 20_000
"""Positions of events in scope that a log remembers, so that a commit of such events alone needs no other look."""

SAID = (AUTHOR, MESSAGE, COMMAND, METADATA, QUERY)
"""The parts that are withheld of a commit that is only partly in scope."""


def read_only() -> StoreRefused:
    """The error for a write through a scope."""
    return StoreRefused(
        "this is what a reader sees: it is read-only; write with the database that it was made of"
    )


def seen(log: Log, scope: Scope) -> Log:
    """A log as a reader sees it."""
    timed = TimedLog(log)
    return ReadOnlyLog(timed) if sight_of(scope).everything else ScopedLog(timed, scope)


class ReadOnlyLog(SameCommits):
    """A log of which a reader sees everything."""

    def __init__(self, log: Log) -> None:
        super().__init__(log)
        self.read = log.read
        self.counts = log.counts

    def append(self, batches: Sequence[Batch], **_: Any) -> list[Verdict]:  # noqa: ARG002 - it takes none
        """Raise `StoreRefused`: a reader writes nothing."""
        raise read_only()


class ScopedLog:
    """A log of which a reader sees the events in scope, and of their commits what the scope allows.

    A commit whose events are all in scope is given as it is, but for command and query where the query names something
    outside. Of a commit that is partly in scope, everything but its place, id, times and hashes is withheld, as by
    `withhold`; its size counts all of its events. A commit without any event in scope is not given.
    """

    def __init__(self, log: Log, scope: Scope) -> None:
        self._log = log
        self._sight = sight_of(scope)
        self._remembered: set[int] = set()
        self.head = log.head
        self.wait = log.wait

    def append(self, batches: Sequence[Batch], **_: Any) -> list[Verdict]:  # noqa: ARG002 - it takes none
        """Raise `StoreRefused`: a reader writes nothing."""
        raise read_only()

    def read(
        self,
        query: Query = ALL,
        *,
        after: int = 0,
        upto: int | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Iterator[RecordedEvent]:
        """Stream the events in scope that match; see `Log.read`. Raises `OutOfScope`."""
        self._sight.check(query)
        narrow, exact = self._sight.narrowed(query)
        most = limit if exact else None
        found = self._log.read(narrow, after=after, upto=upto, backwards=backwards, limit=most)
        return islice(self._noted(self._sight.seen(found)), limit)

    def _noted(self, events: Iterable[RecordedEvent]) -> Iterator[RecordedEvent]:
        """The same events, whose positions are remembered."""
        for event in events:
            if len(self._remembered) >= REMEMBERED:
                self._remembered = set()
            self._remembered.add(event.position)
            yield event

    def commits(
        self, *, after: int = 0, upto: int | None = None, backwards: bool = False, limit: int | None = None
    ) -> Iterator[Commit]:
        """Stream the commits with an event in scope; see `Log.commits`. The events in scope lead to them."""
        if self._sight.every_event:
            return map(
                self._said, self._log.commits(after=after, upto=upto, backwards=backwards, limit=limit)
            )
        return islice(self._commits(after, upto, backwards, CHUNK if limit is None else limit), limit)

    def _commits(self, after: int, upto: int | None, backwards: bool, size: int) -> Iterator[Commit]:
        if after:  # it may be in the middle of a commit
            after = next(
                (one.first - 1 for one in self._log.commits_at([after]) if one.position > after), after
            )
        counts: dict[int, int] = {}
        for event in self._in_scope(after=after, upto=upto, backwards=backwards):
            if upto is not None and event.commit > upto:
                continue
            if event.commit not in counts and len(counts) >= max(1, min(size, CHUNK)):
                yield from self._counted(counts, backwards)
                counts = {}
            counts[event.commit] = counts.get(event.commit, 0) + 1
        yield from self._counted(counts, backwards)

    def _in_scope(self, **bounds: Any) -> Iterator[RecordedEvent]:
        narrow, _ = self._sight.narrowed(ALL)
        return self._sight.seen(self._log.read(narrow, **bounds))

    def _counted(self, counts: Mapping[int, int], backwards: bool) -> Iterable[Commit]:
        """Commits by their positions, of each of which so many events are in scope."""
        found = self._shown(self._log.commits_at(counts), counts) if counts else []
        return reversed(found) if backwards else found

    def commits_at(self, positions: Collection[int]) -> list[Commit]:
        """Those of the commits with these positions that have an event in scope; see `Log.commits_at`."""
        return list(self._looked_at(iter(self._log.commits_at(positions))))

    def find(self, name: str) -> list[Commit]:
        """Those of the commits that `name` may mean that have an event in scope; see `Log.find`."""
        found = self._log.find(name)
        seen = {
            commit.position: commit
            for commit in self._looked_at(iter(sorted(found, key=lambda each: each.position)))
        }
        return [seen[commit.position] for commit in found if commit.position in seen]

    def linked(
        self, key: Key, id: str, *, after: int = 0, upto: int | None = None, limit: int | None = None
    ) -> Iterator[Commit]:
        """Stream the commits that have a link which the reader sees; see `Log.linked`."""
        found = self._looked_at(self._log.linked(key, id, after=after, upto=upto))
        return islice((commit for commit in found if METADATA not in commit.withheld), limit)

    def counts(self, *, after: int = 0, upto: int | None = None) -> list[EventCount]:
        """Count the events in scope, of commits as the reader sees them; see `Log.counts`."""
        return counted(self, after, upto)

    def _looked_at(self, commits: Iterator[Commit]) -> Iterator[Commit]:
        """The part of commits that the reader sees; they come in order, and some are taken at a time."""
        if self._sight.every_event:
            yield from map(self._said, commits)
        while chunk := list(islice(commits, CHUNK)):
            known = self._remembered
            counts = {
                commit.position: commit.size
                for commit in chunk
                if commit.size <= CHUNK and known.issuperset(range(commit.first, commit.position + 1))
            }
            rest = [commit for commit in chunk if commit.position not in counts]
            for event in self._events(self._sight.narrowed(ALL)[0], rest):
                if self._sight.event(event.type, event.tags):
                    counts[event.commit] = counts.get(event.commit, 0) + 1
            yield from self._shown(chunk, counts)

    def _events(self, query: Query, commits: Iterable[Commit]) -> Iterator[RecordedEvent]:
        """The events of commits, which come in order, that match: by one read where they are neighbours."""
        rest = deque(commits)
        while rest:
            skipped = 0
            for event in self._log.read(query, after=rest[0].first - 1, upto=rest[-1].position):
                while rest[0].position < event.position:
                    rest.popleft()
                if rest[0].first <= event.position:
                    skipped = 0
                    yield event
                    continue
                skipped += 1
                if skipped > GAP:
                    break
            else:
                return

    def _shown(self, commits: Sequence[Commit], counts: Mapping[int, int]) -> list[Commit]:
        """The part that the reader sees of commits, of each of which so many events are in scope."""
        partly = [commit for commit in commits if 0 < counts.get(commit.position, 0) < commit.size]
        events: dict[int, list[RecordedEvent]] = {}
        for event in self._events(ALL, partly):
            events.setdefault(event.commit, []).append(event)
        return [
            self._part(commit, events[commit.position]) if commit.position in events else self._said(commit)
            for commit in commits
            if counts.get(commit.position)
        ]

    def _said(self, commit: Commit) -> Commit:
        """A commit whose events are all in scope: without command and query, if these are about more."""
        condition = commit.condition
        if condition is None or self._sight.outside(condition.query) is None:
            return commit
        return kept_back(commit, (COMMAND, QUERY))

    def _part(self, commit: Commit, events: Sequence[RecordedEvent]) -> Commit:
        """A commit that is partly in scope."""
        outside = [
            place for place, event in enumerate(events, DATA) if not self._sight.event(event.type, event.tags)
        ]
        left = kept_back(commit, {*SAID, *outside}, [event.data for event in events])
        return msgspec.structs.replace(left, signature=b"")
