"""An item: its price, its cost, and how many there are."""

from __future__ import annotations

from backstory import Refused, State, Tag, command
from examples.refunds.events import Cents, PriceOverridden, PriceSet, StockReceived, StockReserved


class Item(State):
    item: Tag[str]
    price_cents: int = 0
    unit_cost_cents: int = 0
    in_stock: int = 0
    overridden: int = 0

    def apply(self, event: PriceSet | PriceOverridden | StockReceived | StockReserved) -> None:
        match event:
            case PriceSet(cents=cents):
                self.price_cents = cents
            case PriceOverridden():
                self.overridden += 1
            case StockReceived(count=count, unit_cost_cents=cost):
                self.in_stock += count
                self.unit_cost_cents = cost
            case StockReserved(count=count):
                self.in_stock -= count


@command
def receive(item: Item, count: int, unit_cost_cents: Cents) -> StockReceived:
    return StockReceived(item.item, count, unit_cost_cents)


@command
def reserve(item: Item, order: str, count: int) -> StockReserved:
    if item.in_stock < count:
        raise Refused("not in stock", in_stock=item.in_stock)
    return StockReserved(item.item, order, count)


@command
def reprice(item: Item, cents: Cents, least_margin: float) -> PriceSet:
    margin = (cents - item.unit_cost_cents) / cents
    if margin < least_margin:
        raise Refused(f"the margin of {margin:.0%} is below {least_margin:.0%}")
    return PriceSet(item.item, cents)
