"""`given(...).running(...)`: reactions and processes in tests, without a runner and without waiting."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from backstory import Command, reaction
from backstory.testing import committed, given
from tests.reactions.shop import (
    SENT,
    Cancelled,
    Confirmed,
    Order,
    Paid,
    Payment,
    Placed,
    cancel,
    confirm,
    note_confirmed,
    pay,
)


def test_unpaid_orders_are_cancelled_when_the_time_has_passed() -> None:
    placed = given(committed(Placed("o-1", 500), time="2026-01-01"))
    scenario = placed.running(Payment).when_passes(days=2).then_nothing()
    scenario.when_passes(days=1).then(Cancelled("o-1", "not paid by 2026-01-04"))
    scenario.then_state(Order("o-1", cents=500, status="cancelled"))
    scenario.when_passes(days=30).then_nothing()


def test_a_paid_order_is_not_cancelled() -> None:
    given(Placed("o-1", 500), Paid("o-1")).running(Payment).when_passes(days=30).then_nothing()


def test_what_a_command_gives_and_the_reaction_to_it_are_seen_together() -> None:
    @reaction
    def thank(event: Paid, order: Order) -> Iterator[Command]:
        yield note_confirmed(Order(event.order), cents=order.cents)

    ran = given(Placed("o-1", 5)).running(thank, Payment).then_nothing()
    ran.when(pay(Order("o-1"))).then(Paid("o-1"), Confirmed("o-1", 5))
    ran.when(cancel(Order("o-1"), why="no")).then_refused("the order is confirmed")


def test_a_reaction_is_called_with_what_it_asks_for() -> None:
    SENT.clear()
    given(Placed("o-1", 5)).running(confirm).then(Confirmed("o-1", 5))
    [(order, key, attempt)] = SENT
    assert (order, len(key), attempt) == ("o-1", 64, 1)


def test_a_reaction_that_fails_fails_the_test_at_once() -> None:
    with pytest.raises(AssertionError, match=r"confirm failed at #1: ValueError: no mail for -1 cent"):
        given(Placed("o-1", -1)).running(confirm)


def test_other_events_than_expected_are_told() -> None:
    with pytest.raises(AssertionError, match="other events came than expected"):
        given(Placed("o-1", 5)).running(confirm).then_nothing()
    with pytest.raises(AssertionError, match="a state came out otherwise"):
        given(Placed("o-1", 5)).running(Payment).then_state(Order("o-1", cents=6))


@pytest.mark.parametrize(
    ("time", "says"),
    [
        (
            {"until": "2026-03-01"},
            "when_passes(until='2026-03-01'): until is no unit of time; say how long after 1970",
        ),
        ({"days": "3"}, "when_passes(days='3') is no length of time that there is"),
        ({"days": 10**9}, "when_passes(days=1000000000) is no length of time that there is"),
        ({"days": 3_600_000}, "when_passes(days=3600000) is no length of time that there is"),
        ({"days": -1}, "when_passes(days=-1): time goes on"),
        ({}, "when_passes(): time goes on, so give more than 0 of one of weeks, days"),
    ],
)
def test_what_is_no_length_of_time_is_named_with_what_to_say(time: Any, says: str) -> None:
    scenario = given(Placed("o-1", 500)).running(Payment)
    with pytest.raises((TypeError, ValueError), match=re.escape(says)):
        scenario.when_passes(**time)
    scenario.when_passes(days=2).then_nothing()
