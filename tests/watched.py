"""A store that says of each call that is made to it, and of each item that is taken from a read of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast

from backstory.aio.wake import running_loop
from backstory.store import Store

PARTS = {"refs", "caches", "tables"}
OPENING = {"log", "joined"}

Note = Callable[[str], object]


def watched(store: Store, note: Note) -> Store:
    """The same store; `note` is called with the name of the method that is called, or whose result goes on."""
    return cast("Store", _Watched(store, note))


class LoopWatch:
    """Notes each call that comes from inside an event loop, which waits for the database meanwhile."""

    def __init__(self) -> None:
        self.blocked: list[str] = []
        self.calls = 0

    def __call__(self, name: str) -> None:
        self.calls += 1
        try:
            running_loop()
        except RuntimeError:
            return
        self.blocked.append(name)


class _Watched:
    def __init__(self, below: Any, note: Note) -> None:
        self._below = below
        self._note = note

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._below, name)
        if name in PARTS:
            return None if found is None else _Watched(found, self._note)
        return partial(self._call, name, found) if callable(found) else found

    def _call(self, name: str, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self._note(name)
        result = method(*args, **kwargs)
        if name in OPENING:
            return _Watched(result, self._note)
        return self._items(name, result) if isinstance(result, Iterator) else result

    def _items(self, name: str, items: Iterator[Any]) -> Iterator[Any]:
        while True:
            self._note(name)
            try:
                item = next(items)
            except StopIteration:
                return
            yield item
