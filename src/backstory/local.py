"""Values that belong to one store and do not travel: its id, and the key of the ids that its imports derive.

Both are random, made when the store is, or when they are first needed. They stand in refs under `store/`, which no
clone, export or bundle carries. A copy of the store's file is the same store, and has both.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from backstory.errors import StoreCorrupt, StoreError
from backstory.refs import IMPORT_KEY, STORE, STORE_ID
from backstory.store import set_ref

if TYPE_CHECKING:
    from backstory.store import Store

OWN = (STORE_ID, IMPORT_KEY)

KEY_BYTES = 32


def begin(store: Store) -> None:
    """Give a store that was just made its id and its key; do nothing where it has both, or cannot be written."""
    with suppress(StoreError):
        if not store.refs.list(STORE).keys() >= set(OWN):
            store_id(store)
            import_key(store)


def store_id(store: Store) -> str:
    """The id of this store, a random UUID as text. Raises `StoreError` if there is none yet and none can be kept."""
    return _made_once(store, STORE_ID, new_store_id())


def new_store_id() -> str:
    """An id for a store that has none yet."""
    import uuid

    return str(uuid.uuid4())


def import_key(store: Store) -> bytes:
    """The key under which this store's imports derive ids. Raises `StoreError` as `store_id` does."""
    text = _made_once(store, IMPORT_KEY, os.urandom(KEY_BYTES).hex())
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise StoreCorrupt(f"the ref {IMPORT_KEY} is damaged: it holds no key of {KEY_BYTES} bytes in hex")
    return key


def _made_once(store: Store, ref: str, fresh: str) -> str:
    """The value of a ref, set to `fresh` where there is none. Of many at once, all get the value of the first."""
    while (there := store.refs.get(ref)) is None:
        if set_ref(store, ref, fresh, old=None):
            return fresh
    return there
