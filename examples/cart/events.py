"""The events of a shopping cart."""

from __future__ import annotations

from backstory import Event, Tag


class ItemAdded(Event, name="cart.item_added"):
    cart: Tag[str]
    item: Tag[str]


class ItemRemoved(Event, name="cart.item_removed"):
    cart: Tag[str]
    item: Tag[str]


class CheckedOut(Event, name="cart.checked_out"):
    cart: Tag[str]
    items: list[str]
