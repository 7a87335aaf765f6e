"""Following appends: all callers that wait on any log of a store, or watch it, share one look at the server.

NOTIFY would take an instance-wide lock at each commit, and LISTEN a connection that no pooler can share. A look is one
index seek for each log that is asked for, every 20 ms while somebody waits, and every 50 ms once no event has come for
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

HEAD = (
    "SELECT number, (SELECT key & 1099511627775 FROM {schema}.commits WHERE key > number::bigint << 40"
    " AND key < (number::bigint + 1) << 40 ORDER BY key DESC LIMIT 1) FROM "
)
"""The heads of logs: of those in an array, for waiting callers, or of all, for watchers."""


class HeadWatch:
    """Knows how far the logs that somebody asks about have come. Has a thread only while somebody does."""

    def __init__(self, server: Server) -> None:
        self._server = server
        head = HEAD.format(schema=server.address.schema)
        self._some = head + "unnest(%s::int[]) number"
        self._all = head + f"{server.address.schema}.logs"
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._look_now = threading.Event()
        self._watchers = Watchers()
        self._heads: dict[int, int] = {}
        self._waiting: dict[int, int] = {}
        self._thread: threading.Thread | None = None
        self._error: StoreError | None = None

    def appended(self, number: int, position: int) -> None:
        """Note an append of this process itself, and wake the callers that wait for it."""
        if number in self._waiting:
            with self._lock:
                self._heads[number] = max(position, self._heads.get(number, 0))
                self._changed.notify_all()
        if self._watchers:
            self._watchers.call()

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call a function when a log may have grown; return a function that ends this."""
        with self._lock:
            end = self._watchers.add(callback)
            self._start()
        return end

    def wake(self) -> None:
        """Look now."""
        self._look_now.set()
        self._watchers.call()

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
            self._start()
            self._changed.wait(left)

    def _start(self) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._follow, name="backstory-follow", daemon=True)
            thread.start()
            self._thread = thread

    def _follow(self) -> None:
        """Look at the server again and again, until nobody waits or watches."""
        last = told = time.monotonic()
        while True:
            with self._lock:
                numbers = list(self._waiting)
                if not numbers and not self._watchers:
                    self._thread = None
                    return
            began = time.monotonic()
            try:
                new = self._note(self._look(numbers))
            except Exception as error:  # noqa: BLE001 - every waiting caller must hear of any error
                new = True
                if self._fail(error):
                    self._watchers.call()
                    return
            now = time.monotonic()
            if new:
                last = now
            if new or now - told >= SURE:
                told = now
                self._watchers.call()
            pause = BUSY if now - last < PATIENCE else IDLE
            self._look_now.wait(min(max(pause, SHARE * (time.monotonic() - began)), LONGEST))
            self._look_now.clear()

    def _look(self, numbers: list[int]) -> Mapping[int, int | None]:
        rows = self._server.fetch(self._all) if self._watchers else self._server.fetch(self._some, (numbers,))
        return dict(rows)

    def _note(self, found: Mapping[int, int | None]) -> bool:
        """Keep the new heads and wake the waiting callers; return whether there are any."""
        with self._lock:
            new = self._new(found)
            self._heads |= new
            if new:
                self._changed.notify_all()
        return bool(new)

    def _new(self, found: Mapping[int, int | None]) -> dict[int, int]:
        """The heads that are further than they were."""
        return {
            number: position
            for number, position in found.items()
            if position is not None and position > self._heads.get(number, 0)
        }

    def _fail(self, error: Exception) -> bool:
        """Give an error to the waiting callers; return whether this was the last look. Watchers wait for another."""
        hopeless = isinstance(error, StoreClosed | HistoryLost)
        with self._lock:
            self._error = error if isinstance(error, StoreError) else StoreError(str(error))
            self._changed.notify_all()
            if hopeless or not self._watchers:
                self._thread = None
                return True
        return False
