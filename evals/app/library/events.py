"""The events of the library."""

from __future__ import annotations

from datetime import date

from backstory import Event, Tag


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


class ReaderFined(Event, name="library.reader_fined"):
    reader: Tag[str]
    book: Tag[str]
    cents: int


class FinePaid(Event, name="library.fine_paid"):
    reader: Tag[str]
    cents: int
