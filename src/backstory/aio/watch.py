"""Waiting for a log to go on: one thread for all tasks that wait, however many they are."""

from __future__ import annotations

import threading

import anyio
from anyio.lowlevel import checkpoint_if_cancelled

from backstory.aio.wake import running_loop
from backstory.errors import StoreClosed
from backstory.forks import on_fork
from backstory.store import Log

LONGEST_WAIT = 0.25
"""Seconds: how long the thread sleeps before it looks whether anybody still waits."""


class _Waiter:
    """A task that waits for the head to be beyond a position."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.head = 0
        self.error: BaseException | None = None
        self._loop = running_loop()
        self.event = anyio.Event()

    def wake(self) -> None:
        self._loop.wake(self.event)


class Watch:
    """The end of a log, for the tasks of any event loop. Its thread lives as long as somebody waits."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._head = 0
        self._closed = False
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._guard = threading.Lock()
        self._waiters: set[_Waiter] = set()
        self._thread: threading.Thread | None = None

    async def beyond(self, after: int) -> int:
        """Sleep until the head is beyond `after`; return it. Raises errors of the log, and `StoreClosed`."""
        await checkpoint_if_cancelled()
        with self._guard:
            if self._closed:
                raise StoreClosed("this database is closed")
            if self._head > after:
                return self._head
            waiter = _Waiter(after)
            self._waiters.add(waiter)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="backstory watch", daemon=True)
                self._thread.start()
        try:
            await waiter.event.wait()
        finally:
            with self._guard:
                self._waiters.discard(waiter)
        if waiter.error is not None:
            raise waiter.error
        return waiter.head

    def _watch(self) -> None:
        """Wait for any change of the head: positions that tasks wait for differ, and the furthest must delay nobody."""
        while True:
            try:
                head = self._log.wait(self._head, LONGEST_WAIT)
            except BaseException as error:  # noqa: BLE001 - it is raised in the tasks that wait
                with self._guard:
                    self._thread = None
                    self._end(error)
                return
            with self._guard:
                if self._closed or (head <= self._head and not self._waiters):
                    self._thread = None
                    return
                self._head = max(self._head, head)
                for waiter in [one for one in self._waiters if one.after < self._head]:
                    self._waiters.discard(waiter)
                    waiter.head = self._head
                    waiter.wake()

    def _end(self, error: BaseException) -> None:
        for waiter in self._waiters:
            waiter.error = error
            waiter.wake()
        self._waiters.clear()

    def close(self) -> threading.Thread | None:
        """End everybody's wait with `StoreClosed`; return the thread, which ends soon."""
        with self._guard:
            self._closed = True
            self._end(StoreClosed("the database was closed while this waited for events"))
            return self._thread
