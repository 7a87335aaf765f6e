"""Notices that another process has written: one thread looks for all watchers of a store, while there are any."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from backstory.forks import on_fork
from backstory.stores.sqlite.file import SqliteFile
from backstory.stores.watchers import Watchers

LOOK = 0.01
"""Seconds between looks at the write-ahead log: one `stat` of about 2 µs."""

SURE = 1.0
"""Seconds after which the watchers are called in any case: two writes in one tick of the file's clock look alike."""


class Watch:
    """The watchers of one store, and the thread that looks for them."""

    def __init__(self, file: SqliteFile) -> None:
        self._log_path = file.path + "-wal"
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._watchers = Watchers()
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()

    def add(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call a function from now on; return a function that ends it."""
        with self._lock:
            end = self._watchers.add(callback)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, args=(self._look(),), name="backstory watch", daemon=True
                )
                self._thread.start()
        return end

    def told(self) -> None:
        """Call the watchers: this process has written, or has heard of a write."""
        if self._watchers:
            self._watchers.call()

    def _run(self, seen: tuple[int, int, int]) -> None:
        quiet = 0.0
        while not self._ended.wait(LOOK):
            found, quiet = self._look(), quiet + LOOK
            with self._lock:
                if not self._watchers:
                    self._thread = None
                    return
            if found != seen or quiet >= SURE:
                seen, quiet = found, 0.0
                self._watchers.call()

    def _look(self) -> tuple[int, int, int]:
        try:
            found = os.stat(self._log_path)
        except OSError:
            return 0, 0, 0
        return found.st_ino, found.st_size, found.st_mtime_ns

    def close(self) -> None:
        """Call nobody any more, and end the thread, unless a callback closes the store or takes long."""
        self._ended.set()
        with self._lock:  # else it may have been made, and not begun
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(SURE)
