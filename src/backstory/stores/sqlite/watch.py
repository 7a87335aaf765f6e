"""Notices that another process has written: one thread looks for all watchers of a store, while there are any.

The system tells of a write to the write-ahead log before the commit can be seen, and before it is durable. So the
thread then looks whether SQLite sees a change, and does so again for some milliseconds. It looks at the log's size and
time by itself, too: no file system has to tell anything.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import apsw

from backstory.errors import StoreError
from backstory.forks import on_fork
from backstory.stores.sqlite.file import SqliteFile
from backstory.stores.sqlite.notices import Notices, notices
from backstory.stores.watchers import Watchers

BUSY, QUIET = 0.01, 0.05
"""Seconds between looks at the write-ahead log, in the second after a change and later: one `stat` of about 2 µs."""

SOON = (0.0, 0.0001, 0.0001, 0.0002, 0.0004, 0.0008, 0.0016, 0.002)
"""Seconds between looks for a commit after a write to the log: it becomes visible once it is durable."""

REST = 0.001
"""Seconds of rest after a change: a process that writes without a pause is looked at no more often."""

SURE = 1.0
"""Seconds after which the watchers are called in any case: two writes in one tick of the file's clock look alike."""


class Watch:
    """The watchers of one store, and the thread that looks for them."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file
        self._log_path = file.path + "-wal"
        self._notices: Notices | None = None
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        if self._notices is not None:  # the parent's; its own copies stay open
            self._notices.close()
        self._watchers = Watchers()
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._notices = None
        self._ended = threading.Event()
        self._versions: WeakKeyDictionary[apsw.Connection, Any] = WeakKeyDictionary()

    def add(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call a function from now on; return a function that ends it."""
        with self._lock:
            end = self._watchers.add(callback)
            if self._thread is None and not self._ended.is_set():
                self._notices = notices(self._log_path)
                self._thread = threading.Thread(
                    target=self._run, args=(self._notices, self._look()), name="backstory watch", daemon=True
                )
                self._thread.start()
        return end

    def told(self) -> None:
        """Call the watchers: this process has written, or has heard of a write."""
        if self._watchers:
            self._watchers.call()

    def _run(self, told: Notices, seen: tuple[int, int, int]) -> None:
        called = written = time.monotonic()
        told.follow(seen[0])
        while not self._ended.is_set():
            news = told.wait(BUSY if time.monotonic() - written < SURE else QUIET)
            if self._rests(told):
                return
            found, now = self._look(), time.monotonic()
            told.follow(found[0])
            if news or found != seen:
                seen, written = found, now
            if (
                now - written < SURE and self._changed(SOON if written == now else SOON[:1])
            ) or now - called >= SURE:
                called = now
                self._watchers.call()
                self._ended.wait(REST)
        self._rests(told)

    def _rests(self, told: Notices) -> bool:
        """Whether nobody watches any more, or the store was closed: then this thread ends."""
        with self._lock:
            if self._watchers and not self._ended.is_set():
                return False
            self._thread, self._notices = None, None
            told.close()
            return True

    def _look(self) -> tuple[int, int, int]:
        try:
            found = os.stat(self._log_path)
        except OSError:
            return 0, 0, 0
        return found.st_ino, found.st_size, found.st_mtime_ns

    def _changed(self, pauses: tuple[float, ...]) -> bool:
        """Whether somebody has committed, as each connection that is asked sees it; an error is for those who look."""
        try:
            for pause in pauses:
                if pause:
                    time.sleep(pause)
                with self._file.lent() as connection:
                    version = connection.execute("PRAGMA data_version").fetchall()
                    before, self._versions[connection] = self._versions.get(connection), version
                if version != before:
                    return True
        except (StoreError, apsw.Error):
            return True
        return False

    def close(self) -> None:
        """Call nobody any more, and end the thread, unless a callback closes the store or takes long."""
        self._ended.set()
        with self._lock:  # else it may have been made, and not begun
            thread = self._thread
            if self._notices is not None:
                self._notices.wake()
        if thread is not None and thread is not threading.current_thread():
            thread.join(SURE)
