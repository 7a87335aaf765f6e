"""The end of a log as this process knows it: most appends, and most looks for new events, need not ask the store.

Nearly every condition was decided a few positions behind the head, nearly every id is new, and nearly every state that
is remembered has no new events. As long as the head is the one that this process left, it has seen everything since it
began to look. It reads the events that other processes have appended, if these are few; else it begins anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import msgspec

from backstory.values.commit import Commit, Head
from backstory.values.event_data import EventData, RecordedEvent
from backstory.values.query import Query

MOST = 100_000
"""How many tags and ids are remembered before it begins anew."""

NEAR = 1_000
"""How many hashes of commits are remembered: they are asked for near the head."""

News: TypeAlias = tuple[Iterable[tuple[int, str, bytes]], Iterable[tuple[int, str, Iterable[str]]]]
"""Appends of others: position, id and hash of each commit, and position, type and tags of each event."""


class Seen(msgspec.Struct):
    """The last position of each tag and each type, and the ids of commits, after `start`.

    It is only ever added to, so that others may look meanwhile. Up to `sure` all of it is in the log for good. `hashes`
    are those of some of the commits, by position, for the thread that writes.
    """

    start: int
    sure: int
    tags: dict[str, int] = {}
    types: dict[str, int] = {}
    ids: set[str] = set()
    hashes: dict[int, bytes] = {}

    def rules_out(self, query: Query, after: int) -> bool:
        """Whether certainly no event after a position that was seen matches."""
        if after < self.start:
            return False
        tags, types = self.tags, self.types
        for clause in query.clauses:
            if clause.tags and any(tags.get(tag, 0) <= after for tag in clause.tags):
                continue
            if clause.types and all(types.get(type, 0) <= after for type in clause.types):
                continue
            return False
        return True


class Tail:
    """The events that were seen up to `head`. Changed by the one thread that writes, and read by any."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Know nothing."""
        self.head: Head | None = None
        self.seen = Seen(start=0, sure=-1)

    def catch_up(self, head: Head, news: Callable[[Head], News | None] = lambda _: None) -> None:
        """Keep the known events if the log still ends where it was left, or `news` has the later ones; else begin here.

        `news` gives None if the log does not have the head that was left, or if too many events have come since.
        """
        left, found = self.head, None
        if left is not None and left.hash != head.hash:
            found = news(left)
            left = None if found is None else head
        if left is None or len(self.seen.tags) + len(self.seen.ids) > MOST:
            self.seen = Seen(start=head.position, sure=head.position)
        elif found is not None:
            self._learn(*found)
            self.seen.sure = head.position
        self.head = head

    def _learn(
        self, commits: Iterable[tuple[int, str, bytes]], events: Iterable[tuple[int, str, Iterable[str]]]
    ) -> None:
        for position, id, hash in commits:
            self._passed(position, id, hash)
        for position, type, tags in events:
            self._saw(position, type, tags)

    def _passed(self, position: int, id: str, hash: bytes) -> None:
        self.seen.ids.add(id)
        if len(self.seen.hashes) >= NEAR:
            self.seen.hashes.clear()
        self.seen.hashes[position] = hash

    def _saw(self, position: int, type: str, tags: Iterable[str]) -> None:
        self.seen.types[type] = position
        for tag in tags:
            self.seen.tags[tag] = position

    def add(self, commit: Commit, events: Iterable[EventData | RecordedEvent]) -> Head:
        """Note a commit that is being appended, and return the head that it makes."""
        for position, event in enumerate(events, commit.first):
            self._saw(position, event.type, event.tags)
        self._passed(commit.position, commit.id, commit.hash)
        self.head = Head(commit.position, commit.hash, commit.time)
        return self.head

    def durable(self, position: int) -> None:
        """Note that everything up to a position is written."""
        self.seen.sure = position

    def rules_out(self, query: Query, after: int, upto: int) -> bool:
        """Whether certainly no event with `after < position <= upto` matches, also while a later one is written."""
        seen = self.seen
        return upto <= seen.sure and seen.rules_out(query, after)
