"""The threads in which verbs run, for the tasks of any event loop."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

import anyio
from anyio.lowlevel import checkpoint_if_cancelled

from backstory.aio.wake import Loop, running_loop
from backstory.errors import StoreClosed
from backstory.forks import on_fork
from backstory.told import work_for_caller

P = ParamSpec("P")
T = TypeVar("T")

Work = Callable[[], object]


class Call:
    """A call of one task, and its result. The task's context variables hold in the thread, too."""

    __slots__ = ("_claim", "_event", "_loop", "_stop", "context", "done", "error", "result", "work")

    def __init__(self, work: Callable[[], Any], stop: Callable[[], object] | None = None) -> None:
        self.work = work
        self.context = copy_context()
        work_for_caller(self.context)
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = False
        self._claim = deque((None,))
        self._loop: Loop = running_loop()
        self._event = anyio.Event()
        self._stop = stop

    def claim(self) -> bool:
        """Take the call: a thread, to begin it; or its task, to withdraw it. The first one gets it."""
        try:
            self._claim.pop()
        except IndexError:
            return False
        return True

    def run(self) -> None:
        """Do it, and tell the task."""
        try:
            result = self.context.run(self.work)
        except BaseException as error:  # noqa: BLE001 - it is raised in the task
            self.fail(error)
        else:
            self.finish(result)

    def finish(self, result: Any) -> None:
        """Give the task its result."""
        self.result = result
        self.done = True
        self._loop.wake(self._event)

    def fail(self, error: BaseException) -> None:
        """Raise this in the task."""
        if isinstance(error, StopIteration):
            error = RuntimeError(f"a verb raised {error!r}")  # a coroutine cannot raise it
        self.error = error
        self.finish(None)

    async def outcome(self) -> Any:
        """Sleep until it is done. If cancelled: withdraw it, or wait for it if it has begun; then be cancelled.

        One that can be stopped is stopped then.
        """
        try:
            await self._event.wait()
        except anyio.get_cancelled_exc_class():
            if not self.claim():
                if self._stop is not None:
                    self._stop()
                await self._end()
            raise
        try:
            if self.error is not None:
                raise self.error
            return self.result
        finally:
            self.error = None  # it would hold the frames that hold this

    async def _end(self) -> None:
        with anyio.CancelScope(shield=True):
            while not self.done:
                try:
                    await self._event.wait()
                except anyio.get_cancelled_exc_class():
                    continue  # asyncio's own Task.cancel does not know of shields


class Workers:
    """At most `limit` threads, made when there is work for one more, kept until `close`."""

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"threads must be at least 1, not {limit}")
        self.limit = limit
        self._closed = False
        self._ended = False
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self._guard = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._open = 0
        self._drained: Call | None = None
        self._stops: list[Callable[[], object]] = []

    async def run(self, verb: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb in a thread. Raises the verb's errors, and `StoreClosed` after `close`."""
        result: T = await self._run(Call(lambda: verb(*args, **kwargs)))
        return result

    async def run_until(self, stop: Callable[[], object], work: Callable[[], object]) -> None:
        """Run work that ends soon after `stop` is called: if the task is cancelled, or by `close`."""
        self._stops.append(stop)
        try:
            await self._run(Call(work, stop))
        finally:
            self._stops.remove(stop)

    async def _run(self, call: Call) -> Any:
        def work() -> None:
            if call.claim():
                call.run()

        return await self.outcome(call, lambda: self.submit(work))

    async def outcome(self, call: Call, begin: Callable[[], None]) -> Any:
        """Let a call begin, and sleep until it is done; `close` waits for it."""
        with self._guard:
            if self._closed:
                raise StoreClosed("this database is closed")
            self._open += 1
        try:
            await checkpoint_if_cancelled()
            begin()
            return await call.outcome()
        finally:
            with self._guard:
                self._open -= 1
                if not self._open and self._drained is not None:
                    self._drained.finish(None)

    def submit(self, work: Work) -> None:
        """Queue work that raises nothing. It is not done if `close` has ended the threads."""
        with self._guard:
            if self._ended:
                return
            self._idle -= 1
            if self._idle < 0 and len(self._threads) < self.limit:
                thread = threading.Thread(target=self._work, name="backstory worker", daemon=True)
                self._threads.append(thread)
                self._idle += 1
                thread.start()
        self._queue.put(work)

    def _work(self) -> None:
        while (work := self._queue.get()) is not None:
            work()
            del work
            with self._guard:
                self._idle += 1

    async def close(self, last: Callable[[], object]) -> None:
        """Take no more work, wait for begun verbs, run `last`, end all threads. A second call does nothing."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
            if self._open:
                self._drained = Call(lambda: None)
                self._drained.claim()
        for stop in list(self._stops):
            stop()
        call = Call(last)
        call.claim()
        try:
            if self._drained is not None:
                await self._drained.outcome()
        finally:
            self.submit(call.run)
            try:
                await call.outcome()
            finally:
                with self._guard:
                    self._ended = True
                for _ in self._threads:
                    self._queue.put(None)
                for thread in self._threads:
                    thread.join()  # they have nothing left to do
