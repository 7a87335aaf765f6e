from __future__ import annotations

from datetime import date
from pathlib import Path

from library.events import BookLent, BookReturned

from backstory.testing import committed, given
from evals.checking import check, ran

LENT = committed(BookLent("b-1", "r-1", date(2026, 3, 29)), time="2026-03-01T10:00")
BACK = committed(BookReturned("b-1", "r-1"), time="2026-03-20T10:00")
AGAIN = committed(BookLent("b-1", "r-2", date(2026, 4, 20)), time="2026-03-23T10:00")
SHORT = committed(BookLent("b-1", "r-1", date(2026, 3, 8)), time="2026-03-01T10:00")
LATE = committed(BookReturned("b-1", "r-1"), time="2026-04-20T10:00")
LATER = committed(BookLent("b-1", "r-2", date(2026, 5, 20)), time="2026-04-22T10:00")


def a_reader_is_reminded_seven_days_late_and_once() -> None:
    from library.reminders import ReaderReminded, Reminders

    given(LENT).running(Reminders).when_passes(days=34).then_nothing()
    given(LENT).running(Reminders).when_passes(days=37).then(ReaderReminded("b-1", "r-1"))
    given(LENT).running(Reminders).when_passes(days=365).then(ReaderReminded("b-1", "r-1"))
    given(SHORT).running(Reminders).when_passes(days=16).then(ReaderReminded("b-1", "r-1"))


def each_loan_has_its_reminder() -> None:
    from library.reminders import ReaderReminded, Reminders

    first = committed(ReaderReminded("b-1", "r-1"), time="2026-04-05T10:00")
    past = (LENT, first, LATE, LATER)
    given(*past).running(Reminders).when_passes(days=365).then(ReaderReminded("b-1", "r-2"))


def a_book_that_came_back_is_not_asked_for() -> None:
    from library.reminders import ReaderReminded, Reminders

    given(LENT, BACK).running(Reminders).when_passes(days=365).then_nothing()
    given(LENT, BACK, AGAIN).running(Reminders).when_passes(days=36).then(ReaderReminded("b-1", "r-2"))


def the_command_refuses_a_book_that_is_not_lent() -> None:
    from library.reminders import remind

    book = next(iter(remind.reads.values())).cls
    given(LENT, BACK).when(remind(book("b-1"))).then_refused("not-lent")


def its_scenarios_are_written_and_pass() -> str | None:
    text = Path("tests/test_reminders.py").read_text("utf-8")
    if "when_passes" not in text or "not-lent" not in text:
        return "tests/test_reminders.py lets no time pass, or has no scenario of not-lent"
    return None if ran("pytest", "-q").returncode == 0 else "the tests do not pass"


check(
    a_reader_is_reminded_seven_days_late_and_once,
    each_loan_has_its_reminder,
    a_book_that_came_back_is_not_asked_for,
    the_command_refuses_a_book_that_is_not_lent,
    its_scenarios_are_written_and_pass,
)
