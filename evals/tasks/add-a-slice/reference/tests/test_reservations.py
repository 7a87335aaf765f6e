"""Reservations."""

from __future__ import annotations

from datetime import date

from library.events import BookBought, BookLent
from library.reservations import BookReserved, BookToReserve, reserve

from backstory.testing import given

BOUGHT, LENT, RESERVED = (
    BookBought("b-1", "Emma"),
    BookLent("b-1", "r-1", date(2026, 3, 1)),
    BookReserved("b-1", "r-2"),
)
RESERVE = reserve(BookToReserve("b-1"), reader="r-2")


def test_a_lent_book_is_reserved() -> None:
    given(BOUGHT, LENT).when(RESERVE).then(RESERVED)


def test_what_cannot_be_reserved() -> None:
    given().when(RESERVE).then_refused("no-book")
    given(BOUGHT).when(RESERVE).then_refused("not-lent")
    given(BOUGHT, LENT).when(reserve(BookToReserve("b-1"), reader="r-1")).then_refused("has-it")
    given(BOUGHT, LENT, RESERVED).when(RESERVE).then_refused("reserved")


def test_a_reservation_ends_with_the_loan() -> None:
    given(BOUGHT, LENT, RESERVED, BookLent("b-1", "r-2", date(2026, 4, 1))).then_state(
        BookToReserve("b-1", bought=True, lent_to="r-2")
    )
