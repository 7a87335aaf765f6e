"""Reminders: seven days after a book was due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from library.books import Book
from library.events import BookLent, BookReturned

from backstory import Cancel, Deadline, Due, Event, Process, Refused, Step, Tag, command, react

DAYS = 7


class ReaderReminded(Event, name="library.reader_reminded"):
    book: Tag[str]
    reader: Tag[str]


@command
def remind(book: Book) -> ReaderReminded:
    if not book.reader:
        raise Refused("the book is not lent", code="not-lent")
    return ReaderReminded(book.book, book.reader)


class Reminders(Process):
    book: Tag[str]

    def apply(self, event: BookLent | BookReturned) -> None: ...

    @react
    def lent(self, event: BookLent) -> Iterator[Step]:
        day = datetime.combine(event.due, time(), UTC) + timedelta(days=DAYS)
        yield Deadline("late", at=day)

    @react
    def returned(self, event: BookReturned) -> Iterator[Step]:
        yield Cancel("late")

    @react
    def late(self, due: Due) -> Iterator[Step]:
        yield remind(Book(self.book))
