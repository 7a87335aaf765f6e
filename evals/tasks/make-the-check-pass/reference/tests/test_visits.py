"""Visitors."""

from __future__ import annotations

from library.visits import VisitorsCounted, Visits, count_visitors

from backstory.testing import given


def test_visitors_are_counted() -> None:
    given().when(count_visitors(Visits("park"), number=3)).then(VisitorsCounted("park", 3))


def test_what_is_not_counted() -> None:
    given().when(count_visitors(Visits("park"), number=0)).then_refused("nobody")
    given(VisitorsCounted("park", 1_000_000)).when(count_visitors(Visits("park"), number=1)).then_refused(
        "too-many"
    )
