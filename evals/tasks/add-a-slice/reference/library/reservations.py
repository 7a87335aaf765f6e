"""Reservations: a reader waits for a book that is lent."""

from __future__ import annotations

from library.events import BookBought, BookLent, BookReturned

from backstory import Event, Refused, State, Tag, command


class BookReserved(Event, name="library.book_reserved"):
    book: Tag[str]
    reader: Tag[str]


class BookToReserve(State):
    book: Tag[str]
    bought: bool = False
    lent_to: str = ""
    reserved_for: str = ""

    def apply(self, event: BookBought | BookLent | BookReturned | BookReserved) -> None:
        match event:
            case BookBought():
                self.bought = True
            case BookLent(reader=reader):
                self.lent_to = reader
                if reader == self.reserved_for:
                    self.reserved_for = ""
            case BookReturned():
                self.lent_to = ""
            case BookReserved(reader=reader):
                self.reserved_for = reader


@command
def reserve(book: BookToReserve, reader: str) -> BookReserved:
    if not book.bought:
        raise Refused("there is no such book", code="no-book")
    if book.reserved_for:
        raise Refused("a reservation waits for it", code="reserved")
    if not book.lent_to:
        raise Refused("nobody has the book", code="not-lent")
    if book.lent_to == reader:
        raise Refused("the reader has the book", code="has-it")
    return BookReserved(book.book, reader)
