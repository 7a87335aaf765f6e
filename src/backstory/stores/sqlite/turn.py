"""Whose turn it is to write, among processes: a lock that nothing else in a process can drop by mistake.

SQLite has such a lock, but of POSIX's kind, which goes when another copy of SQLite in the process closes the file. If
that happens in the middle of a commit, a second process begins to write, and one of the two commits is lost. A lock of
`flock` belongs to one open descriptor. On Linux the two kinds do not know of each other, so it is taken on the file
itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress

if sys.platform == "linux":
    from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock


class Turn:
    """The right to write to a file, or to fold its write-ahead log. Not needed, and never held, but on Linux."""

    def __init__(self) -> None:
        self._descriptor = -1

    def open(self, path: str) -> None:
        """Get ready to take turns."""
        if sys.platform == "linux":
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def take(self, wait: Callable[[int], bool]) -> bool:
        """Wait for the turn as long as `wait` says so of each attempt; say whether it came."""
        if sys.platform == "linux" and self._descriptor >= 0:
            attempt = 0
            while True:
                try:
                    flock(self._descriptor, LOCK_EX | LOCK_NB)
                    break
                except BlockingIOError:
                    if not wait(attempt):
                        return False
                attempt += 1
        return True

    def give(self) -> None:
        """Let the next one have it."""
        if sys.platform == "linux" and self._descriptor >= 0:
            flock(self._descriptor, LOCK_UN)

    def close(self) -> None:
        """Let go of the file: only after all connections to it, whose POSIX locks go with this descriptor."""
        if self._descriptor >= 0:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1
