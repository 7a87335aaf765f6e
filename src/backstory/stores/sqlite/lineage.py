"""Notices that the file was put back to an earlier time, or replaced, while this process had it open.

Positions are given again then, to other events. So what a process remembers by position (states, who read what, where
a reader is) is true only as long as the log has every commit that the process has seen.
"""

from __future__ import annotations

from backstory.commit import Head
from backstory.stores.sqlite.file import SqliteFile
from backstory.stores.sqlite.rows import Rows


class Lineage:
    """The last commit of a log that this process has seen. Each one has the hashes of all before it in its own."""

    def __init__(self, file: SqliteFile, number: int, origin: Head) -> None:
        self._file = file
        self._number = number
        self._origin = origin
        self._seen = origin

    def ends(self, rows: Rows) -> tuple[Head, int]:
        """Where the log and its indexes end; see `Rows.ends`. Raises `HistoryLost`."""
        found = rows.ends()
        if found is None:
            raise self._file.lose(f"log {self._number}, as it was opened,")
        head, _ = found
        seen = self._seen
        if head.hash != seen.hash:
            if seen.position > self._origin.position and rows.hash_at(seen.position) != seen.hash:
                raise self._file.lose(f"commit {seen.hash.hex()[:10]} at #{seen.position}")
            self.note(head)
        return found

    def note(self, head: Head) -> None:
        """Remember that the log has this commit for good."""
        if head.position > self._seen.position:
            self._seen = head
