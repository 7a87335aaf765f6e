"""An order, and what may be decided about it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from backstory import Refused, State, Tag, command
from examples.shop.events import Cancelled, Mailed, Paid, PaymentAsked, PaymentRefused, Placed, Reminded

Cents = Annotated[int, msgspec.Meta(gt=0)]


class Order(State):
    order: Tag[str]
    email: str = ""
    cents: int = 0
    status: str = "none"
    reminded: bool = False

    def apply(self, event: Placed | PaymentAsked | Paid | PaymentRefused | Reminded | Cancelled) -> None:
        match event:
            case Placed(email=email, cents=cents):
                self.email, self.cents, self.status = email, cents, "open"
            case PaymentAsked():
                self.status = "being paid"
            case PaymentRefused():
                self.status = "open"
            case Reminded():
                self.reminded = True
            case Paid():
                self.status = "paid"
            case Cancelled():
                self.status = "cancelled"


@command
def place(order: Order, email: str, cents: Cents) -> Placed:
    if order.status != "none":
        raise Refused("there is such an order", status=order.status)
    return Placed(order.order, email, cents)


@command
def pay(order: Order, card: str) -> PaymentAsked:
    """Ask for a payment by card; `payments.charge` does it."""
    _need_open(order)
    return PaymentAsked(order.order, card, order.cents)


@command
def cancel(order: Order, reason: str) -> Cancelled:
    """Nobody cancels an order while money may be on its way."""
    _need_open(order)
    return Cancelled(order.order, reason)


@command
def remind(order: Order) -> Reminded:
    _need_open(order)
    if order.reminded:
        raise Refused("reminded already")
    return Reminded(order.order)


@command
def note_taken(order: Order, receipt: str) -> Paid:
    return Paid(order.order, receipt)


@command
def note_refused(order: Order, reason: str) -> PaymentRefused:
    return PaymentRefused(order.order, reason)


@command
def note_mail(order: str, subject: str) -> Mailed:
    """Nothing is decided: it conflicts with nothing, so it does not read the order."""
    return Mailed(order, subject)


def _need_open(order: Order) -> None:
    if order.status != "open":
        raise Refused("the order is not open", status=order.status)
