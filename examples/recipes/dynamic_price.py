"""Prices change while people shop: an order is made at the prices that were shown, also shortly after a change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import or_

from backstory import Event, Query, Refused, State, Tag, command
from backstory.store import Record

GRACE = timedelta(minutes=10)
"""How long the price before is still good."""


class ProductPriced(Event, name="recipes.product_priced"):
    product: Tag[str]
    cents: int


class ProductsOrdered(Event, name="recipes.products_ordered"):
    product: Tag[list[str]]
    cents: int


class Price(State):
    product: Tag[str]
    cents: int | None = None
    before: int | None = None
    since: datetime = datetime.min.replace(tzinfo=UTC)

    def apply(self, event: ProductPriced, record: Record) -> None:
        self.before, self.cents = self.cents, event.cents
        self.since = record.authored

    def is_good(self, shown: int, now: datetime) -> bool:
        return shown == self.cents or (shown == self.before and now <= self.since + GRACE)


class Prices(State):
    """The prices of several products: what they read is the union of what each reads."""

    products: tuple[str, ...]
    prices: dict[str, Price] = {}

    def query(self) -> Query:
        return reduce(or_, (Price(product).query() for product in self.products), Query.none())

    def apply(self, event: ProductPriced, record: Record) -> None:
        self.of(event.product).apply(event, record)

    def of(self, product: str) -> Price:
        return self.prices.setdefault(product, Price(product))


@command
def order(prices: Prices, shown: dict[str, int], now: datetime) -> ProductsOrdered:
    for product, cents in shown.items():
        if not prices.of(product).is_good(cents, now):
            raise Refused("the price has changed", product=product, cents=prices.of(product).cents)
    return ProductsOrdered(list(shown), sum(shown.values()))
