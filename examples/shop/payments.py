"""Charging cards: a payment that is asked for is taken or refused, and what the bank said is noted in the log."""

from __future__ import annotations

from backstory import Command, Delivery, reaction
from examples.shop import outside
from examples.shop.events import PaymentAsked
from examples.shop.order import Order, note_refused, note_taken


@reaction(since="start", partition="order", retries=4)
def charge(event: PaymentAsked, delivery: Delivery) -> Command:
    """A refusal is an answer. Any other error is tried again, and then parked, with what comes later for the order."""
    try:
        receipt = outside.bank.charge(event.card, event.cents, key=delivery.key)
    except outside.CardRefused as refused:
        return note_refused(Order(event.order), reason=str(refused))
    return note_taken(Order(event.order), receipt=receipt)
