"""Reminders."""

from __future__ import annotations

from datetime import date

from library.books import Book
from library.events import BookLent, BookReturned
from library.reminders import ReaderReminded, Reminders, remind

from backstory.testing import committed, given

LENT = committed(BookLent("b-1", "r-1", date(2026, 3, 29)), time="2026-03-01T10:00")
BACK = committed(BookReturned("b-1", "r-1"), time="2026-03-20T10:00")


def test_a_reader_is_reminded_once() -> None:
    given(LENT).running(Reminders).when_passes(days=60).then(ReaderReminded("b-1", "r-1"))


def test_a_reader_is_not_reminded_before_nor_of_a_book_that_came_back() -> None:
    given(LENT).running(Reminders).when_passes(days=30).then_nothing()
    given(LENT, BACK).running(Reminders).when_passes(days=60).then_nothing()


def test_a_book_that_is_not_lent_is_not_asked_for() -> None:
    given(LENT, BACK).when(remind(Book("b-1"))).then_refused("not-lent")
