"""A small shop that reacts: mails that are noted, and orders that nobody pays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from backstory import Command, Event, Projection, Refused, State, Tag, Tx, command
from backstory.reactions.declare import Delivery, Policy, reaction
from backstory.reactions.process import Cancel, Deadline, Due, Process, Step, react


class Placed(Event, name="shop.ordered"):
    order: Tag[str]
    cents: int


class Paid(Event, name="shop.paid_for"):
    order: Tag[str]


class Confirmed(Event, name="shop.confirmed"):
    order: Tag[str]
    cents: int


class Cancelled(Event, name="shop.cancelled"):
    order: Tag[str]
    why: str


class Order(State):
    order: Tag[str]
    cents: int = 0
    status: str = "none"

    def apply(self, event: Placed | Paid | Confirmed | Cancelled) -> None:
        match event:
            case Placed(cents=cents):
                self.cents, self.status = cents, "placed"
            case Paid():
                self.status = "paid"
            case Confirmed():
                self.status = "confirmed"
            case Cancelled():
                self.status = "cancelled"


@command
def pay(order: Order) -> Paid:
    if order.status != "placed":
        raise Refused(f"the order is {order.status}")
    return Paid(order.order)


@command
def note_confirmed(order: Order, cents: int) -> Confirmed:
    return Confirmed(order.order, cents)


@command
def cancel(order: Order, why: str) -> Cancelled:
    if order.status != "placed":
        raise Refused(f"the order is {order.status}")
    return Cancelled(order.order, why)


SENT: list[tuple[str, str, int]] = []
"""The mails: order, key, attempt."""


@reaction(since="start", partition="order", retries=2)
def confirm(event: Placed, order: Order, delivery: Delivery) -> Iterator[Command]:
    """Refuses an order of -1 cent: an event at which it always fails."""
    SENT.append((event.order, delivery.key, delivery.attempt))
    if event.cents == -1:
        raise ValueError("no mail for -1 cent")
    yield note_confirmed(Order(event.order), cents=order.cents)


class Payment(Process):
    """Orders that nobody pays are cancelled after three days."""

    order: Tag[str]
    paid: bool = False

    def apply(self, event: Placed | Paid) -> None:
        self.paid = self.paid or isinstance(event, Paid)

    @react
    def placed(self, event: Placed) -> Iterator[Step]:
        yield Deadline("unpaid", after=timedelta(days=3))

    @react
    def settled(self, event: Paid) -> Iterator[Step]:
        yield Cancel("unpaid")

    @react
    def unpaid(self, due: Due) -> Iterator[Step]:
        if not self.paid:
            yield cancel(Order(self.order), why=f"not paid by {due.at:%Y-%m-%d}")


class Reminded(Event, name="shop.reminded"):
    order: Tag[str]


@command
def remind(order: Order) -> Reminded:
    return Reminded(order.order)


class Reminder(Process):
    """A reminder a moment after each order, for processes that are killed meanwhile."""

    policy = Policy(since="start")
    order: Tag[str]

    def apply(self, event: Placed) -> None: ...

    @react
    def placed(self, event: Placed) -> Iterator[Step]:
        yield Deadline("soon", after=timedelta(milliseconds=50))

    @react
    def soon(self, due: Due) -> Iterator[Step]:
        yield remind(Order(self.order))


class Board(Projection):
    """The orders, and how many mails and reminders each had."""

    tables = "CREATE TABLE board (id TEXT PRIMARY KEY, mails BIGINT NOT NULL, reminders BIGINT NOT NULL)"

    def apply(self, event: Placed | Confirmed | Reminded, tx: Tx) -> None:
        match event:
            case Placed(order=order):
                tx.execute("INSERT INTO board VALUES (?, 0, 0)", (order,))
            case Confirmed(order=order):
                tx.execute("UPDATE board SET mails = mails + 1 WHERE id = ?", (order,))
            case Reminded(order=order):
                tx.execute("UPDATE board SET reminders = reminders + 1 WHERE id = ?", (order,))


ROWS = "SELECT id, mails, reminders FROM board ORDER BY id"
