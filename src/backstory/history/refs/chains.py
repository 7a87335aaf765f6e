"""Chains: the logs that a branch is made of, the lowest first, each standing on a point of the one below.

A log knows only the commit that it stands on, by position and hash. The log below is any that has this commit:
whichever it is, the history up to there is the same, because a commit's hash covers all that came before it.
"""

from __future__ import annotations

import threading
from copy import copy
from typing import Self, TypeAlias

from backstory.errors import BranchError, StoreCorrupt
from backstory.forks import on_fork
from backstory.lookup import commit_at
from backstory.store import Log, Store
from backstory.stores.overlay import OverlayLog
from backstory.values.commit import NO_HASH, ORIGIN, Commit, Head

Chain: TypeAlias = tuple[int, ...]
"""The numbers of logs, which mean something in one store only."""

TRIAL = -1
"""In a chain: a log that is in no store."""


class Chains:
    """The chains of one store, and the histories that they make."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._chains: dict[int, Chain] = {}
        self._views: dict[Chain, Log] = {}
        self._homes: dict[Chain, Store] = {}
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()

    def chain(self, number: int) -> Chain:
        """The chain that ends with a log. Raises `StoreCorrupt` if it is not there, or stands on nothing known."""
        if number not in self._chains:
            try:
                origin = self.store.origin(number)
            except KeyError:
                raise StoreCorrupt(f"log {number}, which a branch names, is not there") from None
            below = self.holding(origin.position, origin.hash)
            if below is None:
                raise StoreCorrupt(f"log {number} stands on a commit at #{origin.position} that is not there")
            self._chains[number] = (*below, number)
        return self._chains[number]

    def holding(self, position: int, hash: bytes) -> Chain | None:
        """A chain whose last log has this commit itself: empty for the beginning, None if no log has it."""
        if position == 0 and hash == NO_HASH:
            return ()
        numbers = self.store.holding(position, hash)
        return self.chain(numbers[0]) if numbers else None

    def view(self, chain: Chain) -> Log:
        """The log that a chain makes; the same object for the same chain."""
        with self._lock:
            return self._view(chain)

    def _view(self, chain: Chain) -> Log:
        if chain not in self._views:
            *base, number = chain
            try:
                own = self.store.log(number)
            except KeyError:
                raise StoreCorrupt(f"log {number}, which a branch names, is not there") from None
            self._views[chain] = (
                OverlayLog(self._view(tuple(base)), self.store.origin(number), own) if base else own
            )
        return self._views[chain]

    def places(self, chain: Chain) -> Log:
        """The log to find places on: the positions, hashes and times of commits, and nothing of what they say.

        It is the view, unless a reader sees only a part of it; see `backstory.scope`.
        """
        return self.view(chain)

    def holder(self, chain: Chain, position: int) -> Commit | None:
        """The commit that holds a position of a chain up to its head; None if the reader may not see it."""
        return commit_at(self.view(chain), position)

    def home(self, chain: Chain) -> Store:
        """The store that has the last log of a chain."""
        return self._homes.get(chain, self.store)

    def beside(self, chain: Chain, log: Log, home: Store) -> Self:
        """These chains, and one that is not in this store: its last log is a `TRIAL`, in a store of its own."""
        other = copy(self)
        with self._lock:
            other._views = {**self._views, chain: log}
            other._homes = {**self._homes, chain: home}
        other._begin()
        on_fork(child=other._begin)
        return other

    def origin(self, chain: Chain) -> Head:
        """The point that the last log of a chain stands on."""
        view = self.places(chain)
        return view.origin if isinstance(view, OverlayLog) else ORIGIN

    def lowest(self, chain: Chain, position: int) -> Chain:
        """The part of a chain that reaches up to a position. Raises `BranchError` if that is in no store."""
        while len(chain) > 1 and position <= self.origin(chain).position:
            chain = chain[:-1]
        if TRIAL in chain:
            raise BranchError("this branch has no name; keep it with one first: trial.keep('what-if')")
        return chain

    def shared(self, one: Chain, other: Chain) -> tuple[Chain, int]:
        """The shared part of two histories: a chain, and the position up to which it is the same history."""
        common = 0
        while common < min(len(one), len(other)) and one[common] == other[common]:
            common += 1
        ends = [
            self.origin(chain[: common + 1]).position
            if common < len(chain)
            else self.places(chain).head().position
            for chain in (one, other)
        ]
        position = self._alike(self.places(one), self.places(other), min(ends))
        chain = one
        while len(chain) > 1 and position <= self.origin(chain).position:
            chain = chain[:-1]
        return chain, position

    def _alike(self, one: Log, other: Log, low: int) -> int:
        """The end of the last commit that two logs share, from a position on up to which they are the same.

        Logs of their own may have the same commits, as after a fast-forward. As soon as one commit differs, all that
        come after it do.
        """
        high, middle = min(one.head().position, other.head().position), low + 1
        while low < high:
            first, second = commit_at(one, middle), commit_at(other, middle)
            if first.hash == second.hash:
                low = first.position
            else:
                high = first.first - 1 if middle > low + 1 else low
            middle = (low + high + 1) // 2
        return low
