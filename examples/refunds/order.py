"""An order from the cart to the parcel, and what an agent may do about it."""

from __future__ import annotations

from typing import TypeAlias

from backstory import Personal, Refused, State, Tag, command
from examples.refunds.account import Account
from examples.refunds.events import (
    AddressCorrected,
    Cents,
    CustomerTold,
    Line,
    LineRemoved,
    NoteAdded,
    OrderPlaced,
    ParcelShipped,
    PaymentCaptured,
    PriceOverridden,
    RefundCancelled,
    RefundIssued,
    RefundRequested,
)
from examples.refunds.item import Item

Change: TypeAlias = (
    OrderPlaced
    | PaymentCaptured
    | AddressCorrected
    | LineRemoved
    | PriceOverridden
    | ParcelShipped
    | RefundIssued
    | RefundCancelled
)


class Order(State):
    order: Tag[str]
    account: str = ""
    status: str = "none"
    lines: dict[str, Line] = {}
    shipping_cents: int = 0
    total_cents: int = 0
    paid_cents: int = 0
    refunded_cents: int = 0
    street: str = ""
    iban: Personal[str] = ""
    payment: str = ""
    parcel: str | None = None

    def apply(self, event: Change) -> None:
        match event:
            case OrderPlaced():
                self.account, self.lines = event.account, dict(event.lines)
                self.shipping_cents, self.street = event.shipping_cents, event.street
                self.iban, self.status = event.iban, "placed"
            case PaymentCaptured():
                self.payment, self.status = event.payment, "paid"
                self.paid_cents += event.cents
            case AddressCorrected():
                self.street = event.street
            case LineRemoved():
                del self.lines[event.item]
            case PriceOverridden():
                self.lines[event.item] = Line(self.lines[event.item].count, event.unit_cents)
            case ParcelShipped():
                self.parcel, self.status = event.parcel, "shipped"
            case RefundIssued():
                self.refunded_cents += event.cents
                if self.refunded_cents >= self.paid_cents:
                    self.status = "refunded"
            case RefundCancelled():
                self.refunded_cents -= event.cents
        self.total_cents = self.shipping_cents + sum(
            line.count * line.unit_cents for line in self.lines.values()
        )

    @property
    def left_cents(self) -> int:
        """What may still be paid back."""
        return self.paid_cents - self.refunded_cents


@command
def place_order(
    order: Order, account: Account, lines: dict[str, Line], street: str, iban: Personal[str]
) -> OrderPlaced:
    if order.status != "none":
        raise Refused("there is such an order", status=order.status)
    return OrderPlaced(order.order, account.account, lines, 490, street, iban)


@command
def capture(order: Order, payment: str) -> PaymentCaptured:
    if order.status != "placed":
        raise Refused("nothing is to be paid", status=order.status)
    return PaymentCaptured(payment, order.order, order.total_cents)


@command
def correct_address(order: Order, street: str) -> AddressCorrected:
    if order.parcel is not None:
        raise Refused("the parcel has left")
    return AddressCorrected(order.order, street)


@command
def ship(order: Order, parcel: str) -> ParcelShipped:
    if order.status != "paid":
        raise Refused("only what is paid is shipped", status=order.status)
    return ParcelShipped(order.order, parcel)


@command
def add_note(order: Order, text: str) -> NoteAdded:
    return NoteAdded(order.order, text)


@command
def take_out_line(order: Order, item: str) -> list[LineRemoved | RefundIssued]:
    """The shop cannot deliver an item: its price goes back at once."""
    line = order.lines.get(item)
    if line is None:
        raise Refused("there is no such line", item=item)
    return [LineRemoved(order.order, item), refund(order, line.count * line.unit_cents)]


@command
def override_price(
    order: Order, item: Item, unit_cents: Cents, request: str
) -> list[PriceOverridden | RefundRequested]:
    """Another price for one order; the bank is asked to pay the difference back."""
    line = order.lines.get(item.item)
    if line is None or line.unit_cents <= unit_cents:
        raise Refused("that is no better price", item=item.item)
    cents = line.count * (line.unit_cents - unit_cents)
    return [
        PriceOverridden(order.order, item.item, unit_cents),
        RefundRequested(request, order.order, order.payment, cents, order.iban),
    ]


@command
def ask_refund(order: Order, request: str, cents: Cents) -> RefundRequested:
    if cents > order.left_cents:
        raise Refused("that is more than was paid", left_cents=order.left_cents)
    return RefundRequested(request, order.order, order.payment, cents, order.iban)


@command
def pay_back(order: Order, cents: Cents) -> RefundIssued:
    """Pay back by hand, at once."""
    return refund(order, cents)


@command
def note_told(order: Order, subject: str) -> CustomerTold:
    return CustomerTold(order.order, order.account, subject)


def refund(order: Order, cents: int) -> RefundIssued:
    """A refund of no more than was paid."""
    if cents > order.left_cents:
        raise Refused("that is more than was paid", left_cents=order.left_cents)
    return RefundIssued(order.order, order.payment, cents, order.iban)
