"""A question that nobody had when the shop was built: which items do people put back?

It needs no new column and no new code in the shop, and it is answered for every cart that there ever was.
"""

from __future__ import annotations

from backstory import State, Tag
from examples.cart.events import ItemAdded, ItemRemoved


class Regret(State):
    item: Tag[str]
    added: int = 0
    removed: int = 0

    def apply(self, event: ItemAdded | ItemRemoved) -> None:
        match event:
            case ItemAdded():
                self.added += 1
            case ItemRemoved():
                self.removed += 1
