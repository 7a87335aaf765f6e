"""States that are remembered in memory, up to a limit, and the mark of the store with which they were read."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import NamedTuple

import msgspec

from backstory.decide.state import State
from backstory.forks import on_fork

Known = tuple[State, int]

CACHE_BYTES = 64_000_000
"""How much is remembered of all branches of a store, unless `connect` is told otherwise."""

OVERHEAD = 1_000
"""Bytes that a state counts for in the cache besides its encoded size, which may be unknown."""

SOON, SELDOM = 16, 1_024
"""After how many events a state is measured again: at first, and at most. The number is doubled each time that a state
has hardly grown: to measure a large one costs as much as to fold some thousand events."""

GROWN = 1.25
"""A state that is so many times as large has grown."""


class Entry(NamedTuple):
    """A remembered state: its position, and its size when it was last measured.

    `events` have changed it since; after `patience` of them it is measured again.
    """

    state: State
    position: int
    size: int
    events: int
    patience: int


class Cache:
    """States with the position up to which they are folded, the least lately used thrown out above `limit` bytes."""

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        self.limit = limit
        self._entries: OrderedDict[Hashable, Entry] = OrderedDict()
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._size = sum(entry.size for entry in self._entries.values())

    def get(self, key: Hashable) -> Known | None:
        """The remembered state, which the caller must not change, and its position."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            self._entries.move_to_end(key)
            return entry.state, entry.position

    def put(self, key: Hashable, state: State, position: int, events: int = 1) -> None:
        """Remember a state that nobody will change, unless a newer one is known; so many `events` have changed it."""
        new = _entry(self._entries.get(key), state, position, events)
        with self._lock:
            old = self._entries.get(key)
            if old is not None and old.position > position:
                return
            self._entries[key] = new
            self._size += new.size - (0 if old is None else old.size)
            self._entries.move_to_end(key)
            self._keep_to_limit()

    def replace(self, key: Hashable, state: State, position: int) -> None:
        """The same, whatever is known."""
        with self._lock:
            old = self._entries.pop(key, None)
            self._size -= 0 if old is None else old.size
        self.put(key, state, position)

    def _keep_to_limit(self) -> None:
        while self._size > self.limit:
            self._size -= self._entries.popitem(last=False)[1].size

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._size = 0


class Memory:
    """The states of one log that are remembered while the store has one mark `withheld`; see `Head.withheld`.

    It is the key of them in the cache. Who has begun to load with it remembers with it: what was read before values
    were withheld is never found again.
    """

    __slots__ = ("is_sure", "withheld")

    def __init__(self, withheld: str | None = None, *, is_sure: bool = False) -> None:
        self.withheld = withheld
        self.is_sure = is_sure  # the mark was read from the store


def _entry(known: Entry | None, state: State, position: int, events: int) -> Entry:
    if known is None:
        return Entry(state, position, _size(state), 0, SOON)
    events = 0 if known.state is state else events
    if known.events + events < known.patience:
        return Entry(state, position, known.size, known.events + events, known.patience)
    size = _size(state)
    patience = SOON if size > GROWN * known.size else min(known.patience * 2, SELDOM)
    return Entry(state, position, size, 0, patience)


def _size(state: State) -> int:
    try:
        return len(msgspec.msgpack.encode(state, enc_hook=repr)) + OVERHEAD
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
        return OVERHEAD
