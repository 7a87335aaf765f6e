"""Stores inside a transaction: the things that none of them does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backstory.errors import StoreRefused
from backstory.store import Store
from backstory.tables import Transaction

INSIDE = (
    "this thread is inside a transaction of the store, which no other write of it can wait for; write with"
    " store.joined(transaction) inside a transaction of the store's tables, and not at all inside a hook"
)
"""Why a write is refused that comes from within a transaction, and not through the store that joined it."""

OVER = "this transaction is over, and so is the store inside of it; begin another one"
"""Why nothing is done with a transaction after its end: its connection may be in somebody else's by then."""


class InsideTransaction:
    """The part of a store inside a transaction that refuses, or has nothing to do; see `Store.joined`."""

    persistent = True
    spans_logs = True
    joins = False
    tables = None
    seat = None

    def joined(self, transaction: Transaction) -> Store:  # noqa: ARG002 - it is refused whatever it is
        """Refuse it: this one is inside a transaction."""
        raise StoreRefused("a store inside a transaction joins no other one")

    def join(self, connection: Any) -> Transaction:  # noqa: ARG002 - it is refused whatever it is
        """Refuse it, as `joined` does."""
        raise StoreRefused("a store inside a transaction joins no other one")

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:  # noqa: ARG002 - it would never be called
        """Refuse it: it tells nobody."""
        raise StoreRefused("a store inside a transaction tells nobody; watch the store itself")

    def wake(self) -> None:
        """Tell nobody."""

    def close(self) -> None:
        """Do nothing: it is over with its transaction."""
