"""The right to react: of all copies of a history, one store sends mails, and no other one.

A store that is made new has it: a setting with the store's own id and its seat, so a copy of its file, which has the
same setting, does not have the right. A clone has a history that another store reacts to, and gives the right up.

Main of a store that reacts is never moved, so no reaction goes back; see `refs.NEVER_BOTH`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from backstory import local
from backstory.errors import AppendError, NotReacting, StoreError, StoreRefused
from backstory.local import new_store_id, store_id
from backstory.refs import REACTS, STORE_ID
from backstory.store import set_ref, write
from backstory.unit import SetRef

if TYPE_CHECKING:
    from backstory.store import Store


def begin(store: Store) -> None:
    """Give a store that was just made its own values and the right; do nothing where it cannot be written."""
    with suppress(AppendError, StoreError):
        if store.refs.get(STORE_ID) is None and store.seat is not None and not store.log().head().position:
            id = new_store_id()
            write(store, SetRef(STORE_ID, id, None), SetRef(REACTS, _value(id, store.seat), None))
    local.begin(store)


def _value(id: str | None, seat: str) -> str:
    return f"{id} {seat}"


def value_here(store: Store) -> str | None:
    """The value of the setting that gives this store the right, where it lies now; None if nobody can say."""
    seat = store.seat
    return None if seat is None else _value(store.refs.get(STORE_ID), seat)


def has_right(store: Store) -> bool:
    """Whether this store, where it lies now, has the right to react."""
    value = store.refs.get(REACTS)
    return value is not None and value == value_here(store)


def why_not(store: Store) -> str:
    """The reason in words why a store does not have the right; empty if it has it."""
    if has_right(store):
        return ""
    if store.seat is None:
        return "nobody can say whether it is the only one of its kind"
    if store.refs.get(REACTS) is None:
        return "it has a history that another store may react to, as a clone has"
    return (
        "it lies in another place than the store that was given the right: it was moved, copied or restored"
    )


def guard(store: Store) -> SetRef:
    """The guard that the store still has the right as it stands. Raises `NotReacting` if it has not."""
    value = store.refs.get(REACTS)
    if value is None or value != value_here(store):
        raise NotReacting(f"this store does not react: {why_not(store)}")
    return SetRef(REACTS, value, value)


def take(store: Store) -> None:
    """Give a store the right. Another store that has the same history must not react any more.

    Raises `NeverBoth` if its main can be moved, and `StoreRefused` if it has no seat.
    """
    store_id(store)
    value = value_here(store)
    if value is None:
        raise StoreRefused(f"this store cannot react: {why_not(store)}")
    write(store, SetRef(REACTS, value, store.refs.get(REACTS)))


def give_up(store: Store) -> None:
    """Take the right from a store; nothing, if it has none."""
    while (value := store.refs.get(REACTS)) is not None:
        set_ref(store, REACTS, None, old=value)
