"""The events of a shop that pays back."""

from __future__ import annotations

from typing import Annotated

import msgspec

from backstory import Event, Personal, Tag

Cents = Annotated[int, msgspec.Meta(gt=0)]


class Line(msgspec.Struct, frozen=True):
    """So many of an item, at the price of the day."""

    count: int
    unit_cents: int


class OrderPlaced(Event):
    order: Tag[str]
    account: Tag[str]
    lines: dict[str, Line]
    shipping_cents: int
    street: str
    iban: Personal[str]


class StockReserved(Event):
    item: Tag[str]
    order: Tag[str]
    count: int


class PaymentCaptured(Event):
    payment: Tag[str]
    order: Tag[str]
    cents: Cents


class AddressCorrected(Event):
    order: Tag[str]
    street: str


class LineRemoved(Event):
    order: Tag[str]
    item: Tag[str]


class ParcelShipped(Event):
    order: Tag[str]
    parcel: str


class NoteAdded(Event):
    order: Tag[str]
    text: str


class PriceOverridden(Event):
    """Another price for one order, as an agent had promised it."""

    order: Tag[str]
    item: Tag[str]
    unit_cents: Cents


class RefundRequested(Event):
    """The bank is asked to pay back. It may not answer."""

    request: Tag[str]
    order: Tag[str]
    payment: Tag[str]
    cents: Cents
    iban: Personal[str]


class RefundFailed(Event):
    request: Tag[str]
    order: Tag[str]
    reason: str


class RefundIssued(Event):
    """Money has gone back. Without a request somebody did it by hand."""

    order: Tag[str]
    payment: Tag[str]
    cents: Cents
    iban: Personal[str]
    request: Tag[str | None] = None


class RefundCancelled(Event):
    order: Tag[str]
    payment: Tag[str]
    cents: Cents
    request: Tag[str | None] = None


class RefundRefused(Event):
    request: Tag[str]
    order: Tag[str]
    reason: str


class CreditGranted(Event):
    account: Tag[str]
    cents: Cents


class CustomerTold(Event):
    order: Tag[str]
    account: Tag[str]
    subject: str


class PriceSet(Event):
    item: Tag[str]
    cents: Cents


class StockReceived(Event):
    item: Tag[str]
    count: int
    unit_cost_cents: Cents
