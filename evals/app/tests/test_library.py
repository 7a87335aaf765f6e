"""The specification of the library."""

from __future__ import annotations

from datetime import date

from library.books import Book, buy, give_back, lend
from library.events import BookBought, BookLent, BookReturned, FinePaid, ReaderFined, ReaderJoined
from library.readers import Reader, join, pay

from backstory.testing import given

BOUGHT, JOINED = BookBought("b-1", "Emma"), ReaderJoined("r-1", "Ann")
LENT = BookLent("b-1", "r-1", date(2026, 3, 29))
MARCH = "2026-03-01T10:00"


def test_a_book_is_bought_once() -> None:
    given().when(buy(Book("b-1"), title="Emma")).then(BOUGHT)
    given(BOUGHT).when(buy(Book("b-1"), title="Emma")).then_refused("exists")


def test_a_reader_joins_once() -> None:
    given().when(join(Reader("r-1"), name="Ann")).then(JOINED)
    given(JOINED).when(join(Reader("r-1"), name="Ann")).then_refused("exists")


def test_a_book_is_lent_to_one_reader_who_owes_little() -> None:
    lending = lend(Book("b-1"), Reader("r-1"))
    given(BOUGHT, JOINED).when(lending, time=MARCH).then(LENT)
    given(JOINED).when(lending, time=MARCH).then_refused("no-book")
    given(BOUGHT).when(lending, time=MARCH).then_refused("no-reader")
    given(BOUGHT, JOINED, LENT).when(lending, time=MARCH).then_refused("lent")
    given(BOUGHT, JOINED, ReaderFined("r-1", "b-2", 500)).when(lending, time=MARCH).then_refused(
        "fines", owes=500
    )


def test_a_late_book_costs_twenty_cents_a_day() -> None:
    back = give_back(Book("b-1"))
    given(LENT).when(back, time="2026-03-29T10:00").then(BookReturned("b-1", "r-1"))
    given(LENT).when(back, time="2026-04-01T10:00").then(
        BookReturned("b-1", "r-1"), ReaderFined("r-1", "b-1", 60)
    )
    given(BOUGHT).when(back, time=MARCH).then_refused("not-lent")


def test_nobody_pays_more_than_is_owed() -> None:
    given(ReaderFined("r-1", "b-1", 60)).when(pay(Reader("r-1"), cents=60)).then(FinePaid("r-1", 60))
    given(ReaderFined("r-1", "b-1", 60)).when(pay(Reader("r-1"), cents=61)).then_refused("too-much", owes=60)
