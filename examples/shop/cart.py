"""A cart, the articles that are put in it, and the order that becomes of it."""

from __future__ import annotations

from backstory import Refused, State, Tag, command
from examples.shop.events import CheckedOut, Placed, PutInCart, Stocked
from examples.shop.order import Cents, Order


class Article(State):
    article: Tag[str]
    number: int = 0
    cents: int = 0

    def apply(self, event: Stocked | PutInCart) -> None:
        match event:
            case Stocked(number=number, cents=cents):
                self.number, self.cents = self.number + number, cents
            case PutInCart():
                self.number -= 1


class Cart(State):
    cart: Tag[str]
    articles: dict[str, int] = {}
    cents: int = 0
    order: str = ""

    def apply(self, event: PutInCart | CheckedOut) -> None:
        match event:
            case PutInCart(article=article, cents=cents):
                self.articles[article] = self.articles.get(article, 0) + 1
                self.cents += cents
            case CheckedOut(order=order):
                self.order = order


@command
def stock(article: Article, number: int, cents: Cents) -> Stocked:
    return Stocked(article.article, number, cents)


@command
def put(cart: Cart, article: Article) -> PutInCart:
    """The last one goes to one customer: a second one, at the same moment, is decided on the stock without it."""
    if cart.order:
        raise Refused("the cart is an order by now", order=cart.order)
    if article.number < 1:
        raise Refused("it is sold out", article=article.article)
    return PutInCart(cart.cart, article.article, article.cents)


@command
def check_out(cart: Cart, order: Order, email: str) -> list[CheckedOut | Placed]:
    if cart.order or not cart.articles:
        raise Refused("there is nothing to order", order=cart.order)
    if order.status != "none":
        raise Refused("there is such an order", status=order.status)
    return [CheckedOut(cart.cart, order.order), Placed(order.order, email, cart.cents)]
