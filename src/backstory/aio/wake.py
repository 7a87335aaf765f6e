"""Waking the tasks of an event loop from threads."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import anyio


class Loop:
    """One event loop, as threads see it. Tasks that they wake at about the same time cost one call into the loop."""

    def __init__(self, soon: Callable[[Callable[[], object]], object]) -> None:
        self._soon = soon
        self._ready: deque[anyio.Event] = deque()
        self._asked = False

    def wake(self, event: anyio.Event) -> None:
        """Set an event of this loop. A loop that has ended has no task to wake."""
        self._ready.append(event)
        if not self._asked:
            # Two threads may both get here, and ask twice: the second finds nothing to do.
            self._asked = True
            try:
                self._soon(self._set)
            except RuntimeError:  # closed; trio's RunFinishedError is one too
                self._ready.clear()

    def _set(self) -> None:
        # First this: an event that comes later asks again, and one that came before is in the queue.
        self._asked = False
        while self._ready:
            self._ready.popleft().set()


_local = threading.local()


def running_loop() -> Loop:
    """The event loop that the calling task runs in."""
    token, soon = _token()
    known: tuple[Any, Loop] | None = getattr(_local, "loop", None)
    if known is None or known[0] is not token:
        known = _local.loop = (token, Loop(soon))
    return known[1]


def _token() -> tuple[Any, Callable[..., object]]:
    if (trio := sys.modules.get("trio")) is not None and trio.lowlevel.in_trio_task():
        token = trio.lowlevel.current_trio_token()
        return token, token.run_sync_soon
    import asyncio

    loop = asyncio.get_running_loop()
    return loop, loop.call_soon_threadsafe
