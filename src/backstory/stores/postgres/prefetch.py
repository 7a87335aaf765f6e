"""Fetching the next rows while the last ones are used: the server works, and the network, while Python does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Prefetch(Generic[T]):
    """A piece of work that runs in a thread of its own, which ends with it. Nobody has to ask for the result."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._results: list[T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="backstory-ahead", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._results.append(self._work())
        except BaseException as error:  # noqa: BLE001 - it is raised in the thread that asks
            self._error = error

    def result(self) -> T:
        """The result or the error of the call. In the child of a fork the thread is gone: the call is made again."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._results[0] if self._results else self._work()
