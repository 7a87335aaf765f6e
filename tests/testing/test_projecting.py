"""`given(...).project(...)` and `check_projection`."""

from __future__ import annotations

from typing import Any

import pytest

from backstory import Projection, Record, Tx
from backstory.errors import ProjectionError
from backstory.testing import check_projection, committed, given
from tests.projections.shop import ALL, OrderPaid, OrderPlaced, Orders

PAST = [OrderPlaced("o-1", 500), committed(OrderPlaced("o-2", 700), OrderPaid("o-1")), OrderPaid("o-2")]


def test_rows_follow_from_given_events() -> None:
    given(*PAST).project(Orders).then_rows(ALL, [("o-1", 500, "paid"), ("o-2", 700, "paid")])


def test_other_rows_than_expected_are_shown() -> None:
    with pytest.raises(AssertionError, match=r"\('o-1', 1, 'paid'\).*expected(?s:.*)\('o-1', 500, 'paid'\)"):
        given(*PAST[:2]).project(Orders).then_rows(ALL, [("o-1", 1, "paid"), ("o-2", 700, "placed")])


def test_an_event_that_cannot_be_applied_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="an order of -1 cent"):
        given(OrderPlaced("o-1", -1)).project(Orders)


def test_a_projection_that_depends_on_events_alone_passes() -> None:
    check_projection(Orders, PAST)


def test_one_that_looks_at_its_batch_fails() -> None:
    class Batches(Projection):
        tables = "CREATE TABLE batches (size BIGINT)"

        def apply_many(self, events: list[tuple[OrderPlaced, Record]], tx: Tx) -> None:
            tx.execute("INSERT INTO batches VALUES (?)", (len(events),))

    with pytest.raises(AssertionError, match="batches has other rows"):
        check_projection(Batches, [OrderPlaced("o-1", 1), OrderPlaced("o-2", 1)])


def test_one_that_remembers_fails_at_a_crash() -> None:
    class Numbered(Projection):
        tables = "CREATE TABLE numbered (number BIGINT, id TEXT)"
        seen: list[Any] = []

        def apply(self, event: OrderPlaced, tx: Tx) -> None:
            self.seen.append(event)
            tx.execute("INSERT INTO numbered VALUES (?, ?)", (len(self.seen), event.order))

    with pytest.raises(AssertionError, match="numbered has other rows"):
        check_projection(Numbered, [OrderPlaced("o-1", 1), OrderPlaced("o-2", 1)])


def test_one_that_cannot_apply_its_history_says_so() -> None:
    with pytest.raises(ProjectionError, match="an order of -1 cent"):
        check_projection(Orders, [OrderPlaced("o-1", -1)])
