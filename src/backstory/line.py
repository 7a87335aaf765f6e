"""The runtime of one history, which all its readers and writers in this process share.

A history is a chain of logs of a store. However many objects are open on it, sync or async, it has one `Line`: a state
that one of them has loaded is known to the next one, and commands that would conflict take turns.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

from backstory.decide.cache import Cache
from backstory.decide.execution import Executor
from backstory.decide.loading import Loader
from backstory.decide.snapshots import Snapshots
from backstory.forks import on_fork
from backstory.history.refs.branches import TRIAL, Branch, Branches, Chain, guarded
from backstory.lookup import Commits
from backstory.store import Log, Record, Store
from backstory.stores.inside import InsideTransaction
from backstory.stores.opened import opened
from backstory.values.codec import Codec
from backstory.values.query import Query


class Line:
    """One history, as this process knows it. Safe for many threads.

    `stored` is the log as it is, for verbs that copy it; `log` is the same log, with its events opened by the codec.
    `home` is the store that new events go to.
    """

    def __init__(
        self, chain: Chain, home: Store, stored: Log, codec: Codec, snapshots: Snapshots | None, cache: Cache
    ) -> None:
        self.chain = chain
        self.home = home
        self.stored = stored
        self.codec = codec
        self.log = opened(stored, codec)
        self.loader = Loader(self.log, snapshots, cache)
        self.executor = Executor(self.loader, codec)
        self._guarded: dict[str, Log] = {}

    def guarded(self, branch: Branch) -> Log:
        """The log as it is stored, for writes to a branch by its name: the same object for the same name."""
        known = self._guarded.get(branch.name)
        return known or self._guarded.setdefault(branch.name, guarded(self.stored, branch, self.home))

    def read(self, query: Query, **bounds: Any) -> Iterator[Record]:
        """Stream events, typed, with their records; see `Log.read`."""
        decode, commits = self.codec.decode, Commits(self.log)
        for record in commits.of(self.log.read(query, **bounds)):
            yield Record(decode(record), record, commits.chunk)


class Lines:
    """The lines of one open store. A line lives as long as somebody holds it; all lines share one memory limit."""

    def __init__(self, store: Store) -> None:
        # Inside of a transaction nothing is remembered: a savepoint may take back the events of a state.
        self.cache = Cache(0) if isinstance(store, InsideTransaction) else Cache()
        self._lines: WeakValueDictionary[tuple[Chain, Codec], Line] = WeakValueDictionary()
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()

    def line(self, branches: Branches, chain: Chain, codec: Codec) -> Line:
        """The line of a chain of logs: the same object for all. A chain that is in no store has one of its own."""
        line = self._lines.get((chain, codec))
        if line is not None:
            return line
        home, stored = branches.home(chain), branches.view(chain)
        if TRIAL in chain:
            return Line(chain, home, stored, codec, None, self.cache)
        snapshots = Snapshots(branches.store.caches, "-".join(map(str, chain)))
        with self._lock:
            line = Line(chain, home, stored, codec, snapshots, self.cache)
            return self._lines.setdefault((chain, codec), line)


_of_stores: WeakKeyDictionary[Store, Lines] = WeakKeyDictionary()


def lines_of(store: Store) -> Lines:
    """The lines of an open store: the same object for as long as the store is open."""
    # Two threads may both make one, and both get the one that was first.
    return _of_stores.get(store) or _of_stores.setdefault(store, Lines(store))


def forget(store: Store) -> None:
    """Forget everything about a store that is closed."""
    lines = _of_stores.pop(store, None)
    if lines is not None:
        lines.cache.clear()
