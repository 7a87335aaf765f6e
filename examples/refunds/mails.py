"""Customers are told of each refund. The mail service here only pretends; it does not know everybody."""

from __future__ import annotations

from backstory import Command, Delivery, reaction
from examples.refunds.events import RefundIssued
from examples.refunds.order import Order, note_told


class MailService:
    """Keeps each mail under its key, so that one that is sent again is one mail."""

    def __init__(self) -> None:
        self.sent: dict[str, tuple[str, str]] = {}

    def send(self, to: str, subject: str, key: str) -> None:
        """Send a mail, once for each key. Raises `LookupError` for somebody without an address."""
        if to == "guest":
            raise LookupError(f"{to} has no mail address")
        self.sent[key] = (to, subject)


service = MailService()


@reaction(since="start", partition="order", retries=1)
def tell_customer(event: RefundIssued, order: Order, delivery: Delivery) -> Command:
    subject = f"We have sent you {event.cents / 100:.2f}"
    service.send(order.account, subject, key=delivery.key)
    return note_told(order, subject=subject)
