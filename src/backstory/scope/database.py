"""A database as a reader with a scope sees it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from weakref import WeakKeyDictionary

from backstory.database import Database
from backstory.handle import Handle
from backstory.history.refs.branches import Branches
from backstory.line import lines_of
from backstory.scope.rule import Scope
from backstory.scope.store import ScopedBranches, ScopedStore
from backstory.verbs.held import Held

KEPT = 16
"""Scopes of one database that are remembered, with the states that their readers loaded."""

_kept: WeakKeyDictionary[Held, OrderedDict[Scope, ScopedBranches]] = WeakKeyDictionary()
_lock = threading.Lock()


class ScopedDatabase(Database):
    """A branch of a store, to read what a scope allows; `scoped` makes one."""

    def __init__(self, db: Database, branches: Branches) -> None:
        named = None if db.name is None else branches.find(db.name)
        self.handle = Handle(branches, db.handle.drafter, named or db.chain)
        self._owns = False
        self._root = self
        self._made_views = None


def scoped(db: Database, scope: Scope) -> Database:
    """A database on the same branch that reads what a scope allows, and writes nothing, also where that is everything.

    A query, a state or a field outside of the scope is refused with `OutOfScope`. States that are loaded are
    remembered for the next reader of the same scope, and for nobody else. It lives as long as `db`.
    """
    return ScopedDatabase(db, _branches(db, scope))


def _branches(db: Database, scope: Scope) -> ScopedBranches:
    root = db._root
    if db.branches is not root.handle.branches:  # a branch in memory, which is in no store
        return _made(db.branches, scope)
    with _lock:
        kept = _kept.setdefault(root, OrderedDict())
        if scope not in kept:
            kept[scope] = _made(db.branches, scope)
            if len(kept) > KEPT:
                kept.popitem(last=False)
        kept.move_to_end(scope)
        return kept[scope]


def _made(branches: Branches, scope: Scope) -> ScopedBranches:
    store = ScopedStore(branches.store, scope)
    lines_of(store).cache.limit = lines_of(branches.store).cache.limit // KEPT
    return ScopedBranches(branches, store, scope)
