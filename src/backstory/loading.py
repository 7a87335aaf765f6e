"""Loading states: what is remembered, then what came since. Never stale, and never shared between callers."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar, cast

import msgspec

from backstory.query import Query
from backstory.record import Recorded
from backstory.snapshots import Snapshots
from backstory.state import State, identity, state_type
from backstory.store import Log, commit_finder

S = TypeVar("S", bound=State)
Key = tuple[Any, ...]

OVERHEAD = 1_000
"""Bytes that a state counts for in the cache besides its encoded size, which may be unknown."""


class Cache:
    """States with the position up to which they are folded, the least lately used thrown out above `limit` bytes."""

    def __init__(self, limit: int = 64_000_000) -> None:
        self._limit = limit
        self._entries: OrderedDict[Key, tuple[State, int, int]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, key: Key) -> tuple[State, int] | None:
        """The remembered state, which the caller must not change, and its position."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            self._entries.move_to_end(key)
            return entry[0], entry[1]

    def put(self, key: Key, state: State, position: int) -> None:
        """Remember a state that nobody will change, unless a newer one is known."""
        size = _size(state)
        with self._lock:
            old = self._entries.get(key)
            if old is not None:
                if old[1] > position:
                    return
                self._size -= old[2]
            self._entries[key] = (state, position, size)
            self._entries.move_to_end(key)
            self._size += size
            while self._size > self._limit:
                self._size -= self._entries.popitem(last=False)[1][2]


class Loader:
    """Loads states from one log."""

    def __init__(self, log: Log, snapshots: Snapshots | None = None, cache: Cache | None = None) -> None:
        self.log = log
        self.commit_at = commit_finder(log)
        self._snapshots = snapshots
        self._cache = cache or Cache()

    def load(self, reference: S, at: int | None = None) -> S:
        """A filled copy of `reference`, as of position `at` (default: now). Raises `UnreadableEvent`, `InvalidTag`."""
        if at is None:
            return self._load(reference, reference.query(), self.log.head().position, newest=True)
        return self._load(reference, reference.query(), at, newest=False)

    def load_all(self, references: Iterable[tuple[State, Query]]) -> tuple[list[State], int]:
        """Several states, with the queries that they read, as of one position, the head; and that position."""
        upto = self.log.head().position
        return [self._load(reference, query, upto, newest=True) for reference, query in references], upto

    def _load(self, reference: S, query: Query, upto: int, *, newest: bool) -> S:
        compiled = state_type(type(reference))
        key = _key(reference)
        known, after = cast("tuple[S, int]", self._known(reference, key, upto) or (reference, 0))
        state: S = compiled.copy(known)
        if after == upto:
            return state
        count = compiled.fold(state, self.log.read(query, after=after, upto=upto), self.commit_at)
        if newest:
            self._cache.put(key, compiled.copy(state) if count or known is reference else known, upto)
            if self._snapshots is not None and 0 < type(reference).snapshot_every <= count:
                self._snapshots.keep(reference, state, upto)
        return state

    def advance(self, references: Iterable[State], decided: int, records: Sequence[Recorded]) -> None:
        """Bring what is remembered from the position `decided` past a commit that was appended on that condition.

        Nothing else that concerns these states can have come between: the condition says so.
        """
        for reference in references:
            key = _key(reference)
            known = self._cache.get(key)
            if known is None or known[1] != decided:
                continue
            compiled = state_type(type(reference))
            state = compiled.copy(known[0])
            query = reference.query()
            compiled.fold(state, filter(query.matches, records), self.commit_at)
            self._cache.put(key, state, records[-1].position)

    def _known(self, reference: State, key: Key, upto: int) -> tuple[State, int] | None:
        """What is remembered and no newer than `upto`: here, else in a snapshot."""
        known = self._cache.get(key)
        if known is not None and known[1] <= upto:
            return known
        if self._snapshots is not None and type(reference).snapshot_every:
            return self._snapshots.get(reference, upto)
        return None


def _key(reference: State) -> Key:
    values = identity(reference).values()
    # A state with a query of its own may be identified by values that cannot be hashed.
    return (type(reference), repr(list(values))) if state_type(type(reference)).own_query else (type(reference), *values)


def _size(state: State) -> int:
    try:
        return len(msgspec.msgpack.encode(state)) + OVERHEAD
    except (TypeError, ValueError, msgspec.MsgspecError):
        return OVERHEAD
