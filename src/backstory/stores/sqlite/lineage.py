"""Notices that the file was put back to an earlier time, or replaced, while this process had it open.

Positions are given again then, to other events. A process remembers states and the places of readers by
position. They are true only as long as the log has every commit that the process has seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from backstory.errors import HistoryLost, LogDropped
from backstory.stores.rows import Row
from backstory.stores.sqlite.connections import Work
from backstory.stores.sqlite.rows import Rows
from backstory.values.commit import Head

T = TypeVar("T")


class File(Protocol):
    """The place of the rows."""

    path: str

    def fetch(self, sql: str, arguments: Sequence[Any] = (), *, sure: bool = False) -> list[Row]:
        """All rows of a query."""
        ...

    def write(self, work: Work[T]) -> T:
        """Do a piece of work in a transaction."""
        ...

    def lose(self, what: str) -> HistoryLost:
        """Refuse every later call; return the error to raise."""
        ...


class Lost(Exception):
    """Found inside of a transaction: a log no longer has a commit that this process has seen."""


class Lineage:
    """The last commit of a log that this process has seen. Each one has the hashes of all before it in its own."""

    def __init__(self, file: File, base: int, origin: Head) -> None:
        self._file = file
        self._origin = origin
        self.seen = origin
        self._rows = Rows(file.fetch, base, origin)
        self._sure = Rows(partial(file.fetch, sure=True), base, origin)

    def ends(self) -> tuple[Head, int]:
        """The ends of the log and of its indexes. Raises `HistoryLost`.

        A head that is new here is looked at once more, and surely: a commit that is about to be undone may not be
        remembered.
        """
        seen = self.seen
        found = self._rows.ends(seen)
        if found is None or found[0] is not seen:
            found = self._sure.ends(seen)
            if found is None and self._sure.dropped():
                raise LogDropped(
                    f"{self._file.path}: this log was dropped, because nothing needed it any more"
                )
            if lost := self.lost(found, self._sure):
                raise self._file.lose(lost)
            assert found is not None
            self.note(found[0])
        return found

    def lost(self, found: tuple[Head, int] | None, rows: Rows) -> str:
        """The commit, in words, that this process has seen and a log with this end lacks; empty if it has all."""
        seen = self.seen
        if found is None:
            return f"the log on top of #{self._origin.position}"
        if found[0].hash == seen.hash or seen.position == self._origin.position:
            return ""
        there = rows.hash_at(seen.position)
        return "" if there == seen.hash else f"commit {seen.hash.hex()[:10]} at #{seen.position}"

    def note(self, head: Head) -> None:
        """Remember that the log has this commit for good, and the store this mark."""
        if head.position > self.seen.position or head.hash == self.seen.hash:
            self.seen = head
