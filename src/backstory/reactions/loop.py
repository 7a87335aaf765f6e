"""An event loop of asyncio in a thread of its own, for the coroutines of one reaction."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import AsyncIterable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Loop:
    """Runs until it is closed, or until nobody has it any more."""

    def __init__(self, name: str) -> None:
        begun: Future[asyncio.AbstractEventLoop] = Future()
        self._thread = threading.Thread(target=_run, args=(begun,), name=name, daemon=True)
        self._thread.start()
        self._loop = begun.result()
        self._stop = weakref.finalize(self, self._loop.call_soon_threadsafe, self._loop.stop)
        self._stop.atexit = False

    def wait(self, given: Coroutine[Any, Any, T] | AsyncIterable[T]) -> Any:
        """The result of a coroutine, or all that an async iterator gives. The thread that asks sleeps meanwhile."""
        work: Coroutine[Any, Any, Any] = _all(given) if isinstance(given, AsyncIterable) else given
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """Cancel what is left, and end."""
        self._stop()
        self._thread.join()


async def _all(given: AsyncIterable[T]) -> list[T]:
    return [each async for each in given]


def _run(begun: Future[asyncio.AbstractEventLoop]) -> None:
    with asyncio.Runner() as runner:
        begun.set_result(runner.get_loop())
        runner.get_loop().run_forever()
