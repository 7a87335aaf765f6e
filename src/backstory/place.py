"""Places: positions that leave the process, as cursors, ETags and ids of events do, and come back some day.

    12-0f3a9c1b    position 12, and the beginning of the hash of the commit that holds it
    0-00000000     before everything

By then the branch may have been moved, or the store put back, and another event stands at that position. The hash
covers all that came before it, so a place either means the event that it was given out for, or is refused.
"""

from __future__ import annotations

import re
from typing import TypeAlias

import msgspec

from backstory.errors import HistoryMoved, UnknownRevision
from backstory.lookup import commit_at
from backstory.store import Log
from backstory.values.commit import NO_HASH, Commit, Head

LENGTH = 8
"""Hex digits of the hash, against mistakes only: somebody could make another commit with the same digits."""

WRITTEN = re.compile(rf"(0|[1-9]\d{{0,17}})-([0-9a-f]{{{LENGTH}}})", re.ASCII)


class Place(msgspec.Struct, frozen=True):
    """A position, and the beginning of the hash of the commit that holds it. Its text leaves the process."""

    position: int
    hash: str

    @classmethod
    def of(cls, at: Commit | Head, position: int | None = None) -> Place:
        """The place where a commit or a head ends, or of another position of that commit."""
        return cls.at(at.position if position is None else position, at.hash)

    @classmethod
    def at(cls, position: int, hash: bytes) -> Place:
        """The place of a position that the commit with this hash holds."""
        return cls(position, hash.hex()[:LENGTH])

    @classmethod
    def parse(cls, text: str) -> Place:
        """The place that was written so. Raises `UnknownRevision` if the text is none."""
        match = WRITTEN.fullmatch(text)
        if match is None:
            raise UnknownRevision(text, f"a place is a position and {LENGTH} hex digits, as 12-0f3a9c1b")
        return cls(int(match[1]), match[2])

    def __str__(self) -> str:
        return f"{self.position}-{self.hash}"

    def on(self, log: Log) -> int:
        """Its position on a log. Raises `HistoryMoved` if that has another commit there, or ends before."""
        head = log.head()
        if self.position > head.position:
            raise HistoryMoved(self.position, f"this one ends at #{head.position}", str(self))
        hash = _hash(log, self.position, head)
        if not hash.hex().startswith(self.hash):
            why = f"here, #{self.position} is in commit {hash.hex()[:LENGTH]}"
            raise HistoryMoved(self.position, why, str(self))
        return self.position


def _hash(log: Log, position: int, head: Head) -> bytes:
    if position == head.position:
        return head.hash
    return commit_at(log, position).hash if position else NO_HASH


After: TypeAlias = int | str | Place
"""The point after which a reader goes on: a position, or a place, also as its text."""
