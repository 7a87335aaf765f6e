"""A book that comes back early costs nothing."""

from __future__ import annotations

from datetime import date

from library.books import Book, give_back
from library.events import BookLent, BookReturned

from backstory.testing import given


def test_a_book_that_comes_back_early_costs_nothing() -> None:
    lent = BookLent("b-4", "r-13", date(2026, 4, 3))
    given(lent).when(give_back(Book("b-4")), time="2026-03-15T09:00").then(BookReturned("b-4", "r-13"))
