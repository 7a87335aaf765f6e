"""A union of events may stand wherever one event class may: in `apply`, `read`, `reverts` and annotations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import pytest

from backstory import Database, Event, Refused, State, Tag, command, reverts
from backstory.testing import given


class Payment(Event, abstract=True):
    order: Tag[str]
    cents: int


class CashPaid(Payment, name="union.cash"):
    """In coins."""


class CardPaid(Payment, name="union.card"):
    card: str = ""


class Cancelled(Event, name="union.cancelled"):
    order: Tag[str]


Paid = CashPaid | CardPaid


class Order(State):
    order: Tag[str]
    paid: int = 0

    def apply(self, event: Paid | Cancelled) -> None:
        match event:
            case CashPaid(cents=cents) | CardPaid(cents=cents):
                self.paid += cents
            case Cancelled():
                self.paid = 0


class AllPaid(State):
    day: Tag[str]
    cents: int = 0
    everywhere = (Paid,)

    def apply(self, event: Annotated[Paid, "of any order"]) -> None:
        self.cents += event.cents


@command
def pay(order: Order, cents: int, card: str = "") -> Iterator[Paid]:
    if order.paid:
        raise Refused("paid already")
    yield CardPaid(order.order, cents, card) if card else CashPaid(order.order, cents)


@reverts(Paid)
def take_back(event: Paid) -> Cancelled:
    return Cancelled(event.order)


@pytest.mark.parametrize("card", ["", "4111"])
def test_a_state_a_condition_and_a_read_see_each_event_of_a_union(db: Database, card: str) -> None:
    db.execute(pay(Order("o-1"), 500, card))
    with pytest.raises(Refused, match="paid already"):
        db.execute(pay(Order("o-1"), 500))
    assert db.load(Order("o-1")).paid == 500
    assert db.load(AllPaid("today")).cents == 500
    assert [record.event.cents for record in db.read(Paid)] == [500]
    assert [record.event.cents for record in db.read(Paid | Cancelled, tags=["order:o-1"])] == [500]
    db.revert("HEAD")
    assert db.load(Order("o-1")).paid == 0


def test_a_test_sees_them_too() -> None:
    given(CardPaid("o-1", 500, "4111")).when(pay(Order("o-1"), 5)).then_refused("paid already")
