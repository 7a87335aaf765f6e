"""The functions of one reaction at work: each in the runner's thread, or several at once in threads of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from backstory.forks import on_fork

if TYPE_CHECKING:
    from backstory.reactions.loop import Loop
    from backstory.store import Record

T = TypeVar("T")

_of_parents: list[Loop] = []
"""Loops whose threads a child does not have; none is ended there."""


class Call(Generic[T]):
    """A function at work at one event. Without a thread of its own it begins when somebody asks for its result."""

    def __init__(self, record: Record, work: Callable[[], T], future: Future[T] | None) -> None:
        self.record = record
        self._work = work
        self._future = future

    def is_over(self) -> bool:
        """Whether its result needs no waiting for another thread."""
        return self._future is None or self._future.done()

    def result(self) -> T:
        """Its result, as often as somebody asks. Raises its errors."""
        if self._future is None:
            result = self._work()
            self._future = Future()
            self._future.set_result(result)
        return self._future.result()


class Calls:
    """Lets functions work, `most` at a time, and takes coroutines to their end.

    `ring` is called when a function that has a thread of its own has ended.
    """

    def __init__(self, name: str, most: int, ring: Callable[[], object]) -> None:
        self._name = f"backstory {name}"
        self._most = most
        self._ring = ring
        self._loop: Loop | None = None
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None
        if self._loop is not None:
            _of_parents.append(self._loop)
            self._loop = None

    def begin(self, record: Record, work: Callable[[], T]) -> Call[T]:
        """Let a function work at an event."""
        if self._most == 1:
            return Call(record, work, None)
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._most, self._name)
        future = self._threads.submit(copy_context().run, work)
        future.add_done_callback(lambda _: self._ring())
        return Call(record, work, future)

    def wait(self, given: Any) -> Any:
        """The result of a coroutine, or all that an async iterator gives, in the event loop of the reaction."""
        from backstory.reactions.loop import Loop

        with self._lock:
            if self._loop is None:
                self._loop = Loop(self._name)
        return self._loop.wait(given)

    def close(self) -> None:
        """Wait for functions that are at work, and end the threads. It may be used again."""
        if self._threads is not None:
            self._threads.shutdown()
            self._threads = None
        if self._loop is not None:
            self._loop.close()
            self._loop = None
