"""Dynamic product prices."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from backstory import Command
from backstory.testing import committed, given
from examples.recipes.dynamic_price import GRACE, Prices, ProductPriced, ProductsOrdered, order

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def ordered(at: datetime = NOON, **shown: int) -> Command:
    return order(Prices(tuple(shown)), shown, at)


risen = given(ProductPriced("hat", 1000), committed(ProductPriced("hat", 1200), time=NOON))


def test_an_order_is_made_at_the_price_shown() -> None:
    given(ProductPriced("hat", 1000)).when(ordered(hat=1000)).then(ProductsOrdered(["hat"], 1000))


def test_no_other_price_will_do() -> None:
    given(ProductPriced("hat", 1000)).when(ordered(hat=1)).then_refused(
        "the price has changed", product="hat", cents=1000
    )


def test_the_price_before_is_good_for_a_while() -> None:
    risen.when(ordered(NOON + GRACE, hat=1000)).then(ProductsOrdered(["hat"], 1000))
    risen.when(ordered(NOON + GRACE, hat=1200)).then(ProductsOrdered(["hat"], 1200))


def test_and_then_no_more() -> None:
    risen.when(ordered(NOON + GRACE + timedelta(seconds=1), hat=1000)).then_refused("the price has changed")


def test_an_order_of_several_products_depends_on_their_prices_and_on_no_others() -> None:
    (
        given(ProductPriced("hat", 1000), ProductPriced("scarf", 500))
        .when(ordered(hat=1000, scarf=500))
        .then(ProductsOrdered(["hat", "scarf"], 1500))
    )


def test_a_product_without_a_price_is_not_for_sale() -> None:
    given().when(ordered(hat=0)).then_refused("the price has changed", product="hat", cents=None)
