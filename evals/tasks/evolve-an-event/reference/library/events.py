"""The events of the library."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from backstory import Event, Tag, upcast


class Money(msgspec.Struct, frozen=True):
    cents: int
    currency: str


def in_euros(data: dict[str, Any]) -> dict[str, Any]:
    """The data of version 1, in which an amount was a number of cents."""
    cents = data.pop("cents")
    return {**data, "amount": {"cents": cents, "currency": "EUR"}}


class BookBought(Event, name="library.book_bought"):
    book: Tag[str]
    title: str


class ReaderJoined(Event, name="library.reader_joined"):
    reader: Tag[str]
    name: str


class BookLent(Event, name="library.book_lent"):
    book: Tag[str]
    reader: Tag[str]
    due: date


class BookReturned(Event, name="library.book_returned"):
    book: Tag[str]
    reader: Tag[str]


class ReaderFined(Event, name="library.reader_fined", version=2):
    reader: Tag[str]
    book: Tag[str]
    amount: Money

    @upcast(1)
    @staticmethod
    def from_cents(data: dict[str, Any]) -> dict[str, Any]:
        return in_euros(data)


class FinePaid(Event, name="library.fine_paid", version=2):
    reader: Tag[str]
    amount: Money

    @upcast(1)
    @staticmethod
    def from_cents(data: dict[str, Any]) -> dict[str, Any]:
        return in_euros(data)
