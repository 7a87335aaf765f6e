"""The functions that are to be called when a store may have grown."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Watchers:
    """A set of callbacks, which any thread may change while another one calls them."""

    def __init__(self) -> None:
        self._callbacks: dict[object, Callable[[], None]] = {}

    def __bool__(self) -> bool:
        return bool(self._callbacks)

    def add(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call this function from now on; return a function that ends it."""
        key = object()
        self._callbacks[key] = callback
        return lambda: self._drop(key)

    def _drop(self, key: object) -> None:
        self._callbacks.pop(key, None)

    def call(self) -> None:
        """Call each of them. An error of one is reported as that of a thread, and the others are called."""
        for callback in list(self._callbacks.values()):
            try:
                callback()
            except Exception as error:  # noqa: BLE001 - the writer did nothing wrong, and its commit is kept
                args = (type(error), error, error.__traceback__, threading.current_thread())
                threading.excepthook(threading.ExceptHookArgs(args))
