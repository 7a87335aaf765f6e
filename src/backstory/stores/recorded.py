"""Tables whose rows another database has: their history in main is a record, which only its drainer writes.

`backstory.capture` notes each of them as a ref. On a branch, and in a clone, which has no such refs, anybody may write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import msgspec

from backstory.refs import CAPTURED

if TYPE_CHECKING:
    from backstory.store import Store


class Recorded(msgspec.Struct, frozen=True):
    """The value of the ref: the random id of the capture, and the types of the events that only it appends."""

    capture: str
    types: tuple[str, ...]


_known: WeakKeyDictionary[Store, frozenset[str]] = WeakKeyDictionary()


def recorded_types(store: Store) -> frozenset[str]:
    """The types of these events; looked up once for each open store."""
    known = _known.get(store)
    if known is None:
        values = store.refs.list(CAPTURED).values()
        known = frozenset(
            type for value in values for type in msgspec.json.decode(value, type=Recorded).types
        )
        _known[store] = known
    return known


def forget(store: Store) -> None:
    """Look again: a table was noted."""
    _known.pop(store, None)
