"""The account of a customer."""

from __future__ import annotations

from backstory import State, Tag
from examples.refunds.events import CreditGranted, OrderPlaced


class Account(State):
    account: Tag[str]
    orders: list[str] = []
    credit_cents: int = 0

    def apply(self, event: OrderPlaced | CreditGranted) -> None:
        match event:
            case OrderPlaced(order=order):
                self.orders.append(order)
            case CreditGranted(cents=cents):
                self.credit_cents += cents
