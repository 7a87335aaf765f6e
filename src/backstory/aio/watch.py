"""Waiting for a log to go on. The store wakes all tasks that wait: they cost no thread, however many they are."""

from __future__ import annotations

import threading
from collections.abc import Callable

import anyio
from anyio.lowlevel import checkpoint_if_cancelled

from backstory.aio.wake import running_loop
from backstory.aio.workers import Workers
from backstory.errors import StoreClosed
from backstory.forks import on_fork
from backstory.line import Line


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
    """The end of a line, for the tasks of any event loop. It watches the line's store while a task waits.

    After each call of the store, a worker looks once where the line ends, for all tasks. Positions that tasks wait for
    differ, and the furthest must delay nobody.
    """

    def __init__(self, line: Line, workers: Workers) -> None:
        self._line = line
        self._workers = workers
        self._head = 0
        self._closed = False
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._guard = threading.Lock()
        self._waiters: set[_Waiter] = set()
        self._unwatch: Callable[[], None] | None = None
        self._asked = False

    async def beyond(self, after: int) -> int:
        """Sleep until the head is beyond `after`; return it. Raises errors of the log, and `StoreClosed`."""
        await checkpoint_if_cancelled()
        waiter = _Waiter(after)
        with self._guard:
            if self._closed:
                raise StoreClosed("this database is closed")
            if self._head > after:
                return self._head
            self._waiters.add(waiter)
        try:
            self._ask()
            await waiter.event.wait()
        finally:
            with self._guard:
                self._waiters.discard(waiter)
                self._rest()
        if waiter.error is not None:
            raise waiter.error
        return waiter.head

    def _ask(self) -> None:
        """Let a worker look, unless one is about to. The store calls this too, and may hold its own locks then."""
        if not self._asked:
            # Two threads may both get here: then two workers look.
            self._asked = True
            self._workers.submit(self._look)

    def _look(self) -> None:
        # First this: a change that comes after it asks again, and one that came before it is seen.
        self._asked = False
        try:
            with self._guard:
                if not self._waiters:
                    return
                if self._unwatch is None:
                    self._unwatch = self._line.home.watch(self._ask)
            head = self._line.log.head().position
        except BaseException as error:  # noqa: BLE001 - it is raised in the tasks that wait
            with self._guard:
                self._end(error)
            return
        with self._guard:
            self._head = max(self._head, head)
            for waiter in [one for one in self._waiters if one.after < self._head]:
                self._waiters.discard(waiter)
                waiter.head = self._head
                waiter.wake()

    def _rest(self) -> None:
        """Watch the store no longer if no task waits."""
        if not self._waiters and self._unwatch is not None:
            self._unwatch()
            self._unwatch = None

    def _end(self, error: BaseException) -> None:
        for waiter in self._waiters:
            waiter.error = error
            waiter.wake()
        self._waiters.clear()
        self._rest()

    def close(self) -> None:
        """End everybody's wait with `StoreClosed`."""
        with self._guard:
            self._closed = True
            self._end(StoreClosed("the database was closed while this waited for events"))
