from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

from library.events import BookBought, BookLent, BookReturned

from backstory.testing import given
from evals.checking import check, ran

BOUGHT, LENT, BACK = (
    BookBought("b-1", "Emma"),
    BookLent("b-1", "r-1", date(2026, 3, 1)),
    BookReturned("b-1", "r-1"),
)
DUE = date(2026, 4, 1)


def parts() -> tuple[Any, Any]:
    from library import reservations

    book = next(iter(reservations.reserve.reads.values())).cls
    return (lambda reader: reservations.reserve(book("b-1"), reader=reader)), reservations.BookReserved


def a_lent_book_is_reserved() -> None:
    reserve, reserved = parts()
    given(BOUGHT, LENT).when(reserve("r-2")).then(reserved("b-1", "r-2"))


def each_refusal_has_its_code() -> None:
    reserve, reserved = parts()
    given(LENT).when(reserve("r-2")).then_refused("no-book")
    given(BOUGHT).when(reserve("r-2")).then_refused("not-lent")
    given(BOUGHT, LENT, BACK).when(reserve("r-2")).then_refused("not-lent")
    given(BOUGHT, LENT).when(reserve("r-1")).then_refused("has-it")
    given(BOUGHT, LENT, reserved("b-1", "r-2")).when(reserve("r-3")).then_refused("reserved")
    given(BOUGHT, LENT, reserved("b-1", "r-2")).when(reserve("r-2")).then_refused("reserved")


def a_reservation_ends_when_its_reader_borrows_the_book() -> None:
    reserve, reserved = parts()
    past = [BOUGHT, LENT, reserved("b-1", "r-2"), BACK]
    given(*past, BookLent("b-1", "r-2", DUE)).when(reserve("r-3")).then(reserved("b-1", "r-3"))
    given(*past, BookLent("b-1", "r-4", DUE)).when(reserve("r-3")).then_refused("reserved")


def its_event_has_its_name_and_its_tags() -> str | None:
    _, reserved = parts()
    definition = reserved.__backstory__
    from backstory.values.event_types import event_type

    tags = set(event_type(reserved).tags(reserved("b-1", "r-2")))
    if definition.name != "library.book_reserved" or tags != {"book:b-1", "reader:r-2"}:
        return f"the event is {definition.name} with the tags {sorted(tags)}"
    return None


def its_scenarios_are_written_and_pass() -> str | None:
    text = Path("tests/test_reservations.py").read_text("utf-8")
    missing = [
        code
        for code in ("no-book", "not-lent", "has-it", "reserved")
        if not re.search(f"[\"']{code}[\"']", text)
    ]
    if missing:
        return f"tests/test_reservations.py has no scenario of {', '.join(missing)}"
    return None if ran("pytest", "-q").returncode == 0 else "the tests do not pass"


check(
    a_lent_book_is_reserved,
    each_refusal_has_its_code,
    a_reservation_ends_when_its_reader_borrows_the_book,
    its_event_has_its_name_and_its_tags,
    its_scenarios_are_written_and_pass,
)
