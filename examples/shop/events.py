"""The events of the shop."""

from __future__ import annotations

from backstory import Event, Tag


class Stocked(Event, name="article.stocked"):
    article: Tag[str]
    number: int
    cents: int


class PutInCart(Event, name="cart.filled"):
    """The article is the customer's: nobody else can have it."""

    cart: Tag[str]
    article: Tag[str]
    cents: int


class CheckedOut(Event, name="shop.checked_out"):
    cart: Tag[str]
    order: Tag[str]


class Placed(Event, name="order.placed"):
    order: Tag[str]
    email: str
    cents: int


class PaymentAsked(Event, name="order.payment_asked"):
    """The customer has named a card. Nothing was taken from it yet."""

    order: Tag[str]
    card: str
    cents: int


class Paid(Event, name="order.paid"):
    order: Tag[str]
    receipt: str


class PaymentRefused(Event, name="order.payment_refused"):
    order: Tag[str]
    reason: str


class Reminded(Event, name="order.reminded"):
    order: Tag[str]


class Cancelled(Event, name="order.cancelled"):
    order: Tag[str]
    reason: str


class Mailed(Event, name="order.mailed"):
    order: Tag[str]
    subject: str
