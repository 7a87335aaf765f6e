"""Mails to customers: each is sent with a key of its own, so a service that takes such keys sends it once."""

from __future__ import annotations

from typing import TypeAlias

from backstory import Command, Delivery, reaction
from examples.shop import outside
from examples.shop.events import Cancelled, Paid, PaymentRefused, Reminded
from examples.shop.order import Order, note_mail

News: TypeAlias = Paid | PaymentRefused | Reminded | Cancelled


@reaction(since="start", partition="order")
def mail(event: News, order: Order, delivery: Delivery) -> Command:
    match event:
        case Paid():
            subject = "Thank you"
        case PaymentRefused(reason=reason):
            subject = f"Your card was refused: {reason}"
        case Reminded():
            subject = "Your order waits for you"
        case Cancelled(reason=reason):
            subject = f"Your order was cancelled: {reason}"
    outside.mail_service.send(order.email, subject, key=delivery.key)
    return note_mail(order.order, subject=subject)
