"""News of a file from the operating system: something has written to it, or deleted it.

Linux tells by inotify, macOS and the BSDs by kqueue. Other systems, and some file systems,
tell nothing. So news are only a reason to look earlier: each waiting thread also looks by itself now and then.
"""

from __future__ import annotations

import os
import select
import struct
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from backstory.forks import load_before_fork

load_before_fork("ctypes")

MODIFY, DELETE_SELF, MOVE_SELF = 0x2, 0x400, 0x800
"""The kinds of news that inotify is asked for: `IN_MODIFY`, `IN_DELETE_SELF`, `IN_MOVE_SELF`."""


class Notices:
    """Waits for news of a file, and for `wake`. This one hears of nothing: it only sleeps."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._inode = 0
        self._woken = threading.Event()

    def wait(self, seconds: float) -> bool:
        """Sleep for so long, or until there is news, or until `wake`; whether there is news."""
        self._woken.wait(seconds)
        return False

    def follow(self, inode: int) -> None:
        """Hear of the file that has this inode now; 0 if there is none."""

    def wake(self) -> None:
        """End each wait from now on. Any thread may call it."""
        self._woken.set()

    def close(self) -> None:
        """Let go of everything."""


class Inotify(Notices):
    """By Linux's inotify, through the C library: Python has no function for it."""

    def __init__(self, path: str) -> None:
        import ctypes

        super().__init__(path)
        library = ctypes.CDLL(None, use_errno=True)
        self._add: Callable[[int, bytes, int], int] = library.inotify_add_watch
        self._drop: Callable[[int, int], int] = library.inotify_rm_watch
        self._queue: int = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._queue < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        self._waker = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._poll = select.poll()
        for file in (self._queue, self._waker):
            self._poll.register(file, select.POLLIN)
        self._watch = -1

    def wait(self, seconds: float) -> bool:
        """See `Notices.wait`."""
        ready = [file for file, _ in self._poll.poll(1000 * seconds)]
        return self._queue in ready and self._is_news(os.read(self._queue, 65536))

    def _is_news(self, told: bytes) -> bool:
        """Whether any of these is about the file that is followed now."""
        at, found = 0, False
        while at < len(told):
            watch, mask, _, length = struct.unpack_from("iIII", told, at)
            at += 16 + length
            if watch == self._watch:
                found = True
                if mask & (DELETE_SELF | MOVE_SELF):
                    self._inode = 0  # another file with the same inode may come
        return found

    def follow(self, inode: int) -> None:
        """See `Notices.follow`."""
        if inode == self._inode:
            return
        if self._watch >= 0:
            self._drop(self._queue, self._watch)  # fails where the file is gone: then so is the watch
            self._watch = -1
        if inode:
            self._watch = self._add(self._queue, os.fsencode(self.path), MODIFY | DELETE_SELF | MOVE_SELF)
        self._inode = inode if self._watch >= 0 else 0

    def wake(self) -> None:
        """See `Notices.wake`."""
        with suppress(OSError):
            os.eventfd_write(self._waker, 1)

    def close(self) -> None:
        """See `Notices.close`."""
        os.close(self._queue)
        os.close(self._waker)


class Kqueue(Notices):
    """By kqueue, which needs the file open. No lock of SQLite is on a write-ahead log, so closing it releases none."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._kernel: Any = select
        self._queue = self._kernel.kqueue()
        self._file = -1
        self._told, self._waker = os.pipe()
        self._ask(self._told, self._kernel.KQ_FILTER_READ, 0, 0)

    def _ask(self, file: int, kind: int, flags: int, notes: int) -> None:
        self._queue.control([self._kernel.kevent(file, kind, self._kernel.KQ_EV_ADD | flags, notes)], 0)

    def wait(self, seconds: float) -> bool:
        """See `Notices.wait`."""
        told = [each for each in self._queue.control(None, 8, seconds) if each.ident == self._file]
        if any(each.fflags & (self._kernel.KQ_NOTE_DELETE | self._kernel.KQ_NOTE_RENAME) for each in told):
            self._inode = 0
        return bool(told)

    def follow(self, inode: int) -> None:
        """See `Notices.follow`."""
        if inode == self._inode:
            return
        self._let_go()
        if inode:
            kernel = self._kernel
            with suppress(OSError):
                self._file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
                notes = kernel.KQ_NOTE_WRITE | kernel.KQ_NOTE_EXTEND
                notes |= kernel.KQ_NOTE_DELETE | kernel.KQ_NOTE_RENAME
                self._ask(self._file, kernel.KQ_FILTER_VNODE, kernel.KQ_EV_CLEAR, notes)
        self._inode = inode if self._file >= 0 else 0

    def _let_go(self) -> None:
        if self._file >= 0:
            os.close(self._file)  # and no more notices come
            self._file = -1

    def wake(self) -> None:
        """See `Notices.wake`."""
        with suppress(OSError):
            os.write(self._waker, b".")

    def close(self) -> None:
        """See `Notices.close`."""
        self._let_go()
        self._queue.close()
        os.close(self._told)
        os.close(self._waker)


def notices(path: str) -> Notices:
    """News of a file, by what this system has."""
    # No ctypes, no such function, or too many of them in use: then it is done without.
    with suppress(ImportError, OSError, AttributeError):
        return Inotify(path) if sys.platform.startswith("linux") else Kqueue(path)
    return Notices(path)
