"""The cart as it is now: what a table would hold."""

from __future__ import annotations

from backstory import State, Tag
from examples.cart.events import CheckedOut, ItemAdded, ItemRemoved


class Cart(State):
    cart: Tag[str]
    items: list[str] = []
    checked_out: bool = False

    def apply(self, event: ItemAdded | ItemRemoved | CheckedOut) -> None:
        match event:
            case ItemAdded(item=item):
                self.items.append(item)
            case ItemRemoved(item=item):
                self.items.remove(item)
            case CheckedOut():
                self.checked_out = True
