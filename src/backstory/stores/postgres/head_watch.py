"""Following appends: all who watch a store, or wait on a log of it, share one look at the server.

NOTIFY would take an instance-wide lock at each commit, and LISTEN a connection that no pooler can share. A look is one
index seek for each log, every 20 ms while somebody waits, and every 50 ms once no event has come for
a while.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from backstory.errors import HistoryLost, StoreClosed, StoreError
from backstory.forks import on_fork
from backstory.stores.postgres.server import Server
from backstory.stores.watchers import Watchers

BUSY, IDLE = 0.02, 0.05
"""Seconds between looks, while events come and once none has come for `PATIENCE` seconds."""

PATIENCE = 1.0

SURE = 1.0
"""Seconds after which the watchers are called in any case: a branch may have been moved."""

SHARE = 10
"""A pause is this many times as long as a look took, at least: a store may have many logs."""

LONGEST = 1.0
"""Seconds: the longest pause."""

HEADS = (
    "SELECT number, (SELECT key & 1099511627775 FROM {schema}.commits WHERE key > number::bigint << 40"
    " AND key < (number::bigint + 1) << 40 ORDER BY key DESC LIMIT 1) FROM {schema}.logs"
)
"""The heads of all logs."""


class HeadWatch:
    """Knows how far the logs have come, while somebody watches; then it has a thread."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._heads_sql = HEADS.format(schema=server.address.schema)
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._look_now = threading.Event()
        self._watchers = Watchers()
        self._thread: threading.Thread | None = None

    def appended(self) -> None:
        """Call the watchers: this process has appended."""
        if self._watchers:
            self._watchers.call()

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call a function when a log may have grown; return a function that ends this."""
        with self._lock:
            end = self._watchers.add(callback)
            if self._thread is None:
                thread = threading.Thread(target=self._follow, name="backstory-follow", daemon=True)
                thread.start()
                self._thread = thread
        return end

    def wake(self) -> None:
        """Look now."""
        self._look_now.set()
        self._watchers.call()

    def _follow(self) -> None:
        """Look at the server again and again, until nobody watches."""
        heads: Mapping[int, int | None] = {}
        last = told = time.monotonic()
        while True:
            with self._lock:
                if not self._watchers:
                    self._thread = None
                    return
            began = time.monotonic()
            try:
                found = self._look()
            except (StoreClosed, HistoryLost):
                with self._lock:
                    self._thread = None
                self._watchers.call()
                return
            except StoreError:  # the server is away; each of them may look, and be told
                found = heads
            now = time.monotonic()
            if found != heads:
                heads, last = found, now
            if last == now or now - told >= SURE:
                told = now
                self._watchers.call()
            pause = BUSY if now - last < PATIENCE else IDLE
            self._look_now.wait(min(max(pause, SHARE * (time.monotonic() - began)), LONGEST))
            self._look_now.clear()

    def _look(self) -> Mapping[int, int | None]:
        return dict(self._server.fetch(self._heads_sql))
