"""A store as a reader with a scope sees it: nothing can be written through it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from backstory.history.refs.branches import Branches, Chain, Mark, mark_of
from backstory.refs import BRANCH, MAIN_MOVES, MARK, STORE_ID
from backstory.scope.log import read_only, seen
from backstory.scope.rule import Scope
from backstory.store import Caches, Log, Refs, Store
from backstory.tables import Tables, Transaction
from backstory.unit import Outcome, Unit
from backstory.values.commit import Commit

PASSES = (BRANCH, MARK, MAIN_MOVES, STORE_ID)
"""The beginnings of the names of refs that a reader sees: names of points, and nothing of who reads the store."""


class ScopedRefs:
    """The names of branches and marks. Of a mark, a reader sees its point, not who made it and why."""

    def __init__(self, refs: Refs) -> None:
        self._refs = refs

    def get(self, name: str) -> str | None:
        """The value of a ref that passes; see `Refs.get`."""
        value = self._refs.get(name) if name.startswith(PASSES) else None
        return value if value is None else self._shown(name, value)

    def list(self, prefix: str = "") -> Mapping[str, str]:
        """The refs that pass; see `Refs.list`."""
        found = self._refs.list(prefix).items()
        return {name: self._shown(name, value) for name, value in found if name.startswith(PASSES)}

    def _shown(self, name: str, value: str) -> str:
        if not name.startswith(MARK):
            return value
        mark: Mark = msgspec.structs.replace(mark_of(name.removeprefix(MARK), value), message="", author="")
        return msgspec.json.encode(mark).decode()


class ReadCaches:
    """The caches of a store, to look into; nothing is kept there."""

    def __init__(self, caches: Caches) -> None:
        self.get = caches.get
        self.get_all = caches.get_all
        self.names = caches.names

    def set(self, name: str, value: bytes | None) -> None:
        """Forget it at once."""


class NoCaches:
    """Remembers nothing: a snapshot that was made of all events may tell a reader of events outside of the scope."""

    def get(self, name: str) -> None:
        """Give nothing."""

    def get_all(self, names: Sequence[str]) -> Mapping[str, bytes]:  # noqa: ARG002 - it has none
        """Give nothing."""
        return {}

    def names(self, prefix: str = "") -> Sequence[str]:  # noqa: ARG002 - it has none
        """Give nothing."""
        return ()

    def set(self, name: str, value: bytes | None) -> None:
        """Forget it at once."""


class ScopedStore:
    """A store of which a reader sees what a scope allows; see `ScopedLog`. Its life is that of the store."""

    spans_logs = False
    joins = False
    seat = None

    def __init__(self, store: Store, scope: Scope) -> None:
        self.scope = scope
        self._store = store
        self.persistent = store.persistent
        self.refs: Refs = store.refs if scope.is_whole else ScopedRefs(store.refs)
        self.caches: Caches = ReadCaches(store.caches) if scope.is_whole else NoCaches()
        self.logs = store.logs
        self.origin = store.origin
        self.holding = store.holding
        self.watch = store.watch
        self.wake = store.wake

    def __repr__(self) -> str:
        return f"<ScopedStore {self._store!r}>"

    @property
    def tables(self) -> Tables | None:
        """The tables of the store, for a reader who sees everything."""
        return self._store.tables if self.scope.is_whole else None

    def write(self, units: Sequence[Unit]) -> list[Outcome]:  # noqa: ARG002 - it takes none
        """Raise `StoreRefused`: a reader writes nothing."""
        raise read_only()

    def log(self, number: int = 0) -> Log:
        """Open a log by its number; see `Store.log`."""
        return seen(self._store.log(number), self.scope)

    def joined(self, transaction: Transaction) -> Store:  # noqa: ARG002 - it takes none
        """Raise `StoreRefused`: a reader writes nothing."""
        raise read_only()

    def join(self, connection: Any) -> Transaction:  # noqa: ARG002 - it takes none
        """Raise `StoreRefused`: a reader writes nothing."""
        raise read_only()

    def problems(self) -> Iterator[str]:
        """The faults inside the store, for a reader who sees everything."""
        return self._store.problems() if self.scope.is_whole else iter(())

    def close(self) -> None:
        """Do nothing: the store belongs to the one who opened it."""


class ScopedBranches(Branches):
    """The branches of a store, on which a reader sees what a scope allows.

    Points are found on the whole history, because positions, hashes and times are no secret: for everybody `main~3` and
    `@{yesterday}` mean the same point.
    """

    def __init__(self, branches: Branches, store: Store, scope: Scope) -> None:
        super().__init__(store, clock=branches.clock, secrets=branches.secrets)
        self._whole = branches
        self._scope = scope

    def _view(self, chain: Chain) -> Log:
        if chain not in self._views:
            self._views[chain] = seen(self._whole.view(chain), self._scope)
        return self._views[chain]

    def places(self, chain: Chain) -> Log:
        """The whole log; see `Chains.places`."""
        return self._whole.view(chain)

    def holder(self, chain: Chain, position: int) -> Commit | None:
        """The commit that holds a position, if the reader may see it; see `Chains.holder`."""
        return next(iter(self.view(chain).commits_at([position])), None)

    def home(self, chain: Chain) -> Store:
        """The store that has the last log of a chain, as the reader sees it."""
        home = self._whole.home(chain)
        return self.store if home is self._whole.store else ScopedStore(home, self._scope)

    def settled(self, name: str) -> frozenset[str]:
        """Decisions that merges left out, which nobody is shown: they are not counted; see `Branches.settled`."""
        return self._whole.settled(name)
