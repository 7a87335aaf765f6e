"""Waiting for what a reader wants. The store wakes the tasks that wait: they cost no thread, however many they are."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable

import anyio
from anyio.lowlevel import checkpoint_if_cancelled

from backstory.aio.interests import Interests
from backstory.aio.wake import running_loop
from backstory.aio.workers import Workers
from backstory.errors import StoreClosed
from backstory.forks import on_fork
from backstory.line import Line
from backstory.store import ALL
from backstory.values.query import Query

MANY = 1_000
"""New events that are looked through for all tasks at once; where there are more, each task has a look of its own."""

Name = tuple[str, str | None]
"""A ref, and its value when it was last read."""


class _Waiter:
    """A task that waits for an event that its query matches, after a position, or for a move of its branch."""

    def __init__(self, after: int, query: Query, name: Name | None) -> None:
        self.after = after
        self.query = query
        self.name = name
        self.head = 0
        self.error: BaseException | None = None
        self._loop = running_loop()
        self.event = anyio.Event()

    def wake(self) -> None:
        self._loop.wake(self.event)


class Watch:
    """The end of a line, for the tasks of any event loop. It watches the line's store while a task waits.

    After each call of the store, a worker looks once for all tasks: it reads what is new, and wakes the tasks that the
    new events concern. So a task that nothing concerns costs nothing.
    """

    def __init__(self, line: Line, workers: Workers) -> None:
        self._line = line
        self._workers = workers
        self._closed = False
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._guard = threading.Lock()
        self._looking = threading.Lock()
        self._waiters: set[_Waiter] = set()
        self._fresh: set[_Waiter] = set()
        self._interests: Interests[_Waiter] = Interests()
        self._names: Counter[Name] = Counter()
        self._head = 0  # all who are not fresh were asked about the events up to here
        self._unwatch: Callable[[], None] | None = None
        self._asked = False

    async def beyond(self, after: int, query: Query = ALL, name: Name | None = None) -> int:
        """Sleep until an event after a position matches, or a ref has another value; return the head.

        Raises errors of the log, and `StoreClosed`.
        """
        await checkpoint_if_cancelled()
        waiter = _Waiter(after, query, name)
        with self._guard:
            if self._closed:
                raise StoreClosed("this database is closed")
            self._waiters.add(waiter)
            self._fresh.add(waiter)
            if name is not None:
                self._names[name] += 1
        try:
            self._ask()
            await waiter.event.wait()
        finally:
            with self._guard:
                self._forget(waiter)
                self._rest()
        if waiter.error is not None:
            raise waiter.error
        return waiter.head

    def _forget(self, waiter: _Waiter) -> None:
        if waiter in self._waiters:
            self._waiters.discard(waiter)
            if waiter.name is not None:
                self._names[waiter.name] -= 1
                if not self._names[waiter.name]:
                    del self._names[waiter.name]
            if waiter in self._fresh:
                self._fresh.discard(waiter)
            else:
                self._interests.drop(waiter)

    def _ask(self) -> None:
        """Let a worker look, unless one is about to. The store calls this too, and may hold its own locks then."""
        if not self._asked:
            # Two threads may both get here: then two workers look.
            self._asked = True
            self._workers.submit(self._look)

    def _look(self) -> None:
        # First this: a change that comes after it asks again, and one that came before it is seen.
        self._asked = False
        with self._looking:
            try:
                with self._guard:
                    if not self._waiters:
                        return
                    if self._unwatch is None:
                        self._unwatch = self._line.home.watch(self._ask)
                    fresh = set(self._fresh)
                    names = list(self._names)
                head = self._line.log.head().position
                concerned = {one for one in fresh if self._matches(one, head)} | self._concerned(head)
                moved = self._moved(names)
            except BaseException as error:  # noqa: BLE001 - it is raised in the tasks that wait
                with self._guard:
                    self._end(error)
                return
            with self._guard:
                self._head = max(self._head, head)
                for waiter in fresh & self._fresh:
                    self._fresh.discard(waiter)
                    self._interests.add(waiter)
                if moved:
                    concerned |= {waiter for waiter in self._waiters if waiter.name in moved}
                for waiter in concerned & self._waiters:
                    self._forget(waiter)
                    waiter.head = head
                    waiter.wake()

    def _matches(self, waiter: _Waiter, head: int) -> bool:
        """Whether an event up to the head is one that a task waits for."""
        if head <= waiter.after or waiter.query.is_all:
            return head > waiter.after
        return any(True for _ in self._line.stored.read(waiter.query, after=waiter.after, upto=head, limit=1))

    def _concerned(self, head: int) -> set[_Waiter]:
        """The tasks that are not fresh, and wait for one of the events since they were asked about."""
        if head <= self._head or len(self._fresh) == len(self._waiters):
            return set()
        if head - self._head > MANY:
            with self._guard:
                settled = self._waiters - self._fresh
            return {waiter for waiter in settled if self._matches(waiter, head)}
        new = list(self._line.stored.read(after=self._head, upto=head))
        with self._guard:
            return {
                waiter
                for event in new
                for waiter in self._interests.of(event)
                if event.position > waiter.after
            }

    def _moved(self, names: Iterable[Name]) -> set[Name]:
        """The refs that have another value by now."""
        refs = self._line.home.refs
        return {(ref, value) for ref, value in names if refs.get(ref) != value}

    def _rest(self) -> None:
        """Watch the store no longer if no task waits."""
        if not self._waiters and self._unwatch is not None:
            self._unwatch()
            self._unwatch = None

    def _end(self, error: BaseException) -> None:
        for waiter in list(self._waiters):
            self._forget(waiter)
            waiter.error = error
            waiter.wake()
        self._rest()

    def close(self) -> None:
        """End everybody's wait with `StoreClosed`."""
        with self._guard:
            self._closed = True
            self._end(StoreClosed("the database was closed while this waited for events"))
