"""Whose turn it is to write, among processes: by a lock that nothing else in a process can drop by mistake.

SQLite's own locks are of POSIX's kind: all that a process has on a file go when anything in the process closes it. A
second process may then write in the middle of our commit, or take itself for the last user of the file and delete the
write-ahead log. A lock of `flock` belongs to one open descriptor and stays. On Linux the two kinds do not know of each
other, so it is taken on the file itself. And after each commit the lock is taken again by which SQLite tells others
that the file is in use: it may have been dropped.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from itertools import count

from backstory.stores.sqlite.connecting import Wait

if sys.platform == "linux":
    from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN, flock, lockf

SHARED_FIRST, SHARED_SIZE = 0x40000002, 510
"""The bytes that a user of the file has a lock on: https://sqlite.org/src/file/src/os.h, the same since SQLite 3.0."""


class Turn:
    """The right to write to a file, or to fold its write-ahead log. Needed, and taken, on Linux only."""

    def __init__(self) -> None:
        self._descriptor = -1

    def open(self, path: str) -> None:
        """Get ready to take turns."""
        if sys.platform == "linux":
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def take(self, wait: Wait) -> bool:
        """Wait for the turn as long as `wait` says so of each attempt; say whether it came."""
        return self._descriptor < 0 or _done(wait, flock, self._descriptor, LOCK_EX | LOCK_NB)

    def keep_file(self, wait: Wait) -> bool:
        """Wait until no process takes itself for the last user of the file, and let none do so; whether that worked.

        The last user holds these bytes alone until it has folded the write-ahead log and deleted it. So the data
        that are in the log before this call are folded by a later user, or the log is gone when this call returns.
        """
        return self._descriptor < 0 or _done(
            wait, lockf, self._descriptor, LOCK_SH | LOCK_NB, SHARED_SIZE, SHARED_FIRST
        )

    def give(self) -> None:
        """Let the next one have it."""
        if self._descriptor >= 0:
            flock(self._descriptor, LOCK_UN)

    def close(self) -> None:
        """Let go of the file: only after all connections to it, whose POSIX locks go with this descriptor."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _done(wait: Wait, lock: Callable[..., object], *arguments: int) -> bool:
    for attempt in count():
        try:
            lock(*arguments)
            break
        except BlockingIOError:
            if not wait(attempt):
                return False
    return True
