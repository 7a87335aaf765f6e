"""Books: bought once, lent to one reader at a time."""

from __future__ import annotations

from datetime import date, timedelta

from backstory import Now, Refused, State, Tag, command, provided
from library.events import BookBought, BookLent, BookReturned, ReaderFined
from library.readers import Reader

DAYS = 28
"""How long a book is lent."""

FINE = 20
"""Cents for each day that a book is late."""


class Book(State):
    book: Tag[str]
    title: str = ""
    reader: str = ""
    due: date | None = None

    def apply(self, event: BookBought | BookLent | BookReturned) -> None:
        match event:
            case BookBought(title=title):
                self.title = title
            case BookLent(reader=reader, due=due):
                self.reader, self.due = reader, due
            case BookReturned():
                self.reader, self.due = "", None


@command
def buy(book: Book, title: str) -> BookBought:
    if book.title:
        raise Refused("there is such a book", code="exists")
    return BookBought(book.book, title)


@command
def lend(book: Book, reader: Reader, now: Now = provided) -> BookLent:
    if not book.title:
        raise Refused("there is no such book", code="no-book")
    if book.reader:
        raise Refused("the book is lent", code="lent")
    if not reader.name:
        raise Refused("there is no such reader", code="no-reader")
    if reader.owes >= 500:
        raise Refused("the reader has fines to pay", code="fines", owes=reader.owes)
    return BookLent(book.book, reader.reader, now.date() + timedelta(days=DAYS))


@command
def give_back(book: Book, now: Now = provided) -> list[BookReturned | ReaderFined]:
    if not book.reader or book.due is None:
        raise Refused("the book is not lent", code="not-lent")
    late = (now.date() - book.due).days
    returned = BookReturned(book.book, book.reader)
    return [returned, ReaderFined(book.reader, book.book, late * FINE)] if late > 0 else [returned]
