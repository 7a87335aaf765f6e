"""Loading states: what is remembered, then what came since. Never stale, and never shared between callers."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import TypeVar

import msgspec

from backstory.exact import Inexact, exact
from backstory.forks import on_fork
from backstory.query import Query
from backstory.record import Recorded
from backstory.snapshots import Snapshots
from backstory.state import State, state_type
from backstory.store import Log, commit_finder

S = TypeVar("S", bound=State)
Key = tuple[type[State], Query, Hashable]
"""A state is remembered by its class, by the query that says which events it reads, and by its exact identity."""

Known = tuple[State, int]
Reads = Sequence[tuple[State, Query]]
"""States as references, with their queries."""

OVERHEAD = 1_000
"""Bytes that a state counts for in the cache besides its encoded size, which may be unknown."""


class Cache:
    """States with the position up to which they are folded, the least lately used thrown out above `limit` bytes."""

    def __init__(self, limit: int = 64_000_000) -> None:
        self._limit = limit
        self._entries: OrderedDict[Key, tuple[State, int, int]] = OrderedDict()
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._size = sum(size for _, _, size in self._entries.values())

    def get(self, key: Key | None) -> Known | None:
        """The remembered state, which the caller must not change, and its position."""
        if key is None:
            return None
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            self._entries.move_to_end(key)
            return entry[0], entry[1]

    def put(self, key: Key | None, state: State, position: int) -> None:
        """Remember a state that nobody will change, unless a newer one is known."""
        if key is None:
            return
        known = self._entries.get(key)
        size = known[2] if known is not None and known[0] is state else _size(state)
        with self._lock:
            old = self._entries.get(key)
            if old is not None and old[1] > position:
                return
            self._entries[key] = (state, position, size)
            self._size += size - (0 if old is None else old[2])
            self._entries.move_to_end(key)
            self._keep_to_limit()

    def _keep_to_limit(self) -> None:
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
        query = reference.query()
        if at is None:
            known = self._known(reference, query)
            return self._load(reference, query, known, self.log.head().position, newest=True)
        return self._load(reference, query, self._known(reference, query, at), at, newest=False)

    def load_all(self, reads: Reads) -> tuple[list[State], int]:
        """Several states, with the queries that they read, as of one position, the head; and that position.

        What is remembered is looked up before the head is: other threads may bring it forward meanwhile, and what is
        newer than the head that one knows is of no use.
        """
        known = [(reference, query, self._known(reference, query)) for reference, query in reads]
        upto = self.log.head().position
        return [self._load(*one, upto, newest=True) for one in known], upto

    def _load(self, reference: S, query: Query, known: Known | None, upto: int, *, newest: bool) -> S:
        compiled = state_type(type(reference))
        if known is None or known[1] > upto:
            known = compiled.empty(reference), 0
        state: S = compiled.copy(known[0])
        if known[1] == upto:
            return state
        count = compiled.fold(state, self.log.read(query, after=known[1], upto=upto), self.commit_at)
        if newest:
            self._cache.put(_key(reference, query), compiled.copy(state) if count else known[0], upto)
            if self._snapshots is not None and 0 < type(reference).snapshot_every <= count:
                self._snapshots.keep(reference, query, state, upto)
        return state

    def advance(self, reads: Reads, decided: int, records: Sequence[Recorded]) -> None:
        """Bring what is remembered from the position `decided` past a commit that was appended on that condition.

        Nothing else that concerns these states can have come between: the condition says so.
        """
        for reference, query in reads:
            key = _key(reference, query)
            known = self._cache.get(key)
            if known is None or known[1] != decided:
                continue
            compiled = state_type(type(reference))
            state = compiled.copy(known[0])
            try:
                compiled.fold(state, filter(query.matches, records), self.commit_at)
            except Exception:  # noqa: BLE001, S112 - the commit is in the log; who loads the state next is told
                continue
            self._cache.put(key, state, records[-1].position)

    def _known(self, reference: State, query: Query, upto: int | None = None) -> Known | None:
        """What is remembered and no newer than `upto`: here, else in a snapshot."""
        known = self._cache.get(_key(reference, query))
        if known is not None and (upto is None or known[1] <= upto):
            return known
        if self._snapshots is not None and type(reference).snapshot_every:
            return self._snapshots.get(reference, query, upto)
        return None


def _key(reference: State, query: Query) -> Key | None:
    """What tells this state from every other; None where its identity has a value that cannot be told from others."""
    kind = type(reference)
    try:
        return kind, query, tuple([exact(getattr(reference, name)) for name in state_type(kind).identity])
    except Inexact:
        return None


def _size(state: State) -> int:
    try:
        return len(msgspec.msgpack.encode(state, enc_hook=repr)) + OVERHEAD
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
        return OVERHEAD
