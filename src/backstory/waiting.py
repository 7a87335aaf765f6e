"""Waiting for a log to go on: the one way, which follows from `Store.watch`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from backstory.forks import on_fork

if TYPE_CHECKING:
    from typing import Self

    from backstory.values.commit import Head

LOOK = 1.0
"""Seconds: one who waits looks by itself that often, in case Ctrl-C or a fork kept somebody from waking it."""


class Watched(Protocol):
    """The part of a store that wakes those who wait."""

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call a function soon after each time that a log may have grown; see `Store.watch`."""
        ...


class Headed(Protocol):
    """The part of a log that says how far it is."""

    def head(self) -> Head:
        """The end of the log now."""
        ...


class Waiting:
    """A wait for new events that another thread can end at once; use it from one thread, in a `with` block.

    Events of other processes end it as well, a little later. `Log.wait` is shorter if nobody has to end it.
    """

    def __init__(self, store: Watched, log: Headed) -> None:
        self._store = store
        self._log = log
        self._stopped = False
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._woken = threading.Event()
        self._end = self._store.watch(self._woken.set)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._end()

    def beyond(self, after: int, timeout: float | None = None) -> int | None:
        """Sleep until the head is beyond `after`, and return its position; None after `timeout` seconds, or `stop`."""
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            self._woken.clear()
            if self._stopped:
                return None
            position = self._log.head().position
            if position > after:
                return position
            left = LOOK if until is None else min(until - time.monotonic(), LOOK)
            if left <= 0:
                return None
            self._woken.wait(left)

    def stop(self) -> None:
        """End the wait, now and for ever. Any thread may call it."""
        self._stopped = True
        self._woken.set()


def wait_beyond(store: Watched, log: Headed, after: int, timeout: float | None) -> int:
    """Sleep until the head of a log is beyond `after`, at most for `timeout` seconds; return its position then."""
    position = log.head().position
    if position > after or (timeout is not None and timeout <= 0):
        return position
    with Waiting(store, log) as waiting:
        found = waiting.beyond(after, timeout)
    return log.head().position if found is None else found
