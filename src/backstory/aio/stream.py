"""Streams: records that a worker thread reads, a chunk at a time, for `async for`.

They are plain objects and not async generators, so a stream that is left early holds nothing: no event loop has to
finish it. Its read ends at once with `async with` or `aclose`, else when Python frees it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeVar

import anyio

from backstory.aio.wake import running_loop
from backstory.errors import StoreClosed

if TYPE_CHECKING:
    from typing import Self

    from backstory.aio.workers import Workers

T = TypeVar("T")

CHUNK = 256
"""How many items a stream takes from a worker thread at a time."""


class Stream(AsyncIterator[T], Generic[T]):
    """Items in order, each once, for one task. Cancelling a step loses none: the next step goes on with the same."""

    def __init__(self, workers: Workers, items: Callable[[], Iterator[T]]) -> None:
        self._workers = workers
        self._items = items
        self._iterator: Iterator[T] | None = None
        self._chunk: deque[T] = deque()
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        if not self._chunk:
            await self._fill()
        if not self._chunk:
            raise StopAsyncIteration
        return self._chunk.popleft()

    async def _fill(self) -> None:
        """Get at least one item, unless there are no more."""
        if not self._ended:
            await self._workers.run(self._read)

    def _read(self) -> None:
        # Straight into the chunk: were it returned, a task that is cancelled meanwhile would lose it.
        before = len(self._chunk)
        try:
            if self._iterator is None:
                self._iterator = self._items()
            self._chunk.extend(islice(self._iterator, CHUNK))
        except BaseException:
            self._ended = True
            raise
        if len(self._chunk) - before < CHUNK:
            self._end()

    def _end(self) -> None:
        self._ended = True
        self._iterator = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the stream and its read. A second call does nothing."""
        self._ended = True
        self._chunk.clear()
        close: Callable[[], object] | None = getattr(self._iterator, "close", None)
        self._iterator = None
        if close is not None:
            with anyio.CancelScope(shield=True), suppress(StoreClosed):
                await self._workers.run(close)


class Following(Stream[T]):
    """Everything new, for ever: when all of it was given, it waits for `news`."""

    def __init__(
        self,
        workers: Workers,
        items: Callable[[], Iterator[T]],
        news: Callable[[], Awaitable[object]],
        leave: Callable[[], object] | None = None,
    ) -> None:
        super().__init__(workers, items)
        self._news = news
        self._leave = leave
        self._waits = False

    async def _fill(self) -> None:
        # A task may be cancelled at each of these, and come back.
        while not self._chunk and not self._ended:
            if self._waits:
                await self._news()
                self._waits = False
            await super()._fill()

    def _end(self) -> None:
        """All that was new is given."""
        self._waits, self._iterator = True, None

    async def aclose(self) -> None:
        """See `Stream.aclose`; let go of what it reads from."""
        await super().aclose()
        leave, self._leave = self._leave, None
        if leave is not None:
            with anyio.CancelScope(shield=True), suppress(StoreClosed):
                await self._workers.run(leave)


class Bell:
    """Rung by any thread, for the one task that waits for it."""

    def __init__(self) -> None:
        self._loop = running_loop()
        self._event = anyio.Event()

    def ring(self) -> None:
        """Wake the task, now or when it comes to wait."""
        self._loop.wake(self._event)

    async def wait(self) -> None:
        """Sleep until it was rung since the last time."""
        await self._event.wait()
        self._event = anyio.Event()
