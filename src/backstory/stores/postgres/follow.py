"""Waiting for what is appended: all who wait, on any log of a store, share one look at the server.

NOTIFY would take an instance-wide lock at each commit, and LISTEN a connection that no pooler can share. A look is one
index seek, every 20 ms while somebody waits, and every 50 ms once nothing has come for a while.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from backstory.errors import StoreError
from backstory.forks import on_fork
from backstory.stores.postgres.server import Server

BUSY, IDLE = 0.02, 0.05
"""Seconds between looks, while events come and once none has come for `PATIENCE` seconds."""

PATIENCE = 1.0

HEADS = (
    "SELECT number, (SELECT key & 1099511627775 FROM {schema}.commits WHERE key > number::bigint << 40"
    " AND key < (number::bigint + 1) << 40 ORDER BY key DESC LIMIT 1) FROM unnest(%s::int[]) number"
)


class Follower:
    """Knows how far the logs that somebody waits for have come. Has a thread only while somebody waits."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._sql = HEADS.format(schema=server.address.schema)
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._heads: dict[int, int] = {}
        self._waiting: dict[int, int] = {}
        self._thread: threading.Thread | None = None
        self._error: StoreError | None = None

    def appended(self, number: int, position: int) -> None:
        """Note what this process appended itself, and wake who waits for it."""
        if number in self._waiting:
            with self._lock:
                self._heads[number] = max(position, self._heads.get(number, 0))
                self._changed.notify_all()

    def wait(self, number: int, after: int, timeout: float | None) -> None:
        """Sleep until a log's head is beyond `after`, or for `timeout` seconds. Raises `StoreError`."""
        until = None if timeout is None else time.monotonic() + timeout
        with self._lock:
            self._waiting[number] = self._waiting.get(number, 0) + 1
            self._error = None
            try:
                self._wait(number, after, until)
            finally:
                self._waiting[number] -= 1
                if not self._waiting[number]:
                    del self._waiting[number]
                    self._heads.pop(number, None)

    def _wait(self, number: int, after: int, until: float | None) -> None:
        while self._heads.get(number, 0) <= after:
            if self._error is not None:
                raise self._error
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                return
            if self._thread is None:
                thread = threading.Thread(target=self._look, name="backstory-follow", daemon=True)
                thread.start()
                self._thread = thread
            self._changed.wait(left)

    def _look(self) -> None:
        """Look at the server again and again until nobody waits."""
        last = time.monotonic()
        while True:
            with self._lock:
                numbers = list(self._waiting)
                if not numbers:
                    self._thread = None
                    return
            try:
                found: dict[int, int | None] = dict(self._server.fetch(self._sql, (numbers,)))
            except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
                with self._lock:
                    self._error = error if isinstance(error, StoreError) else StoreError(str(error))
                    self._thread = None
                    self._changed.notify_all()
                return
            with self._lock:
                if self._note(found):
                    last = time.monotonic()
            time.sleep(BUSY if time.monotonic() - last < PATIENCE else IDLE)

    def _note(self, found: Mapping[int, int | None]) -> bool:
        """Keep the new heads and wake those who wait; say whether there are any."""
        new = {
            number: position
            for number, position in found.items()
            if position is not None and position > self._heads.get(number, 0)
        }
        self._heads |= new
        if new:
            self._changed.notify_all()
        return bool(new)
