"""given, when, then, for commands with dependent states and with inputs; and for commands that are not pure."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from backstory import Random, command, provided
from backstory.errors import MissingInput
from backstory.testing import every_order, given, in_order
from tests.state.helpdesk import (
    Agent,
    Assigned,
    Closed,
    Opened,
    Promoted,
    Reopened,
    Silence,
    Ticket,
    assign,
    close,
    close_all,
    draw_lots,
    escalate,
    open_ticket,
    reopen,
)

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
OPEN = Opened("t-1", "ann", NOON)


def test_a_dependent_state_follows_from_the_given_events() -> None:
    given(OPEN, Assigned("t-1", "bo")).when(close(Ticket("t-1"))).then(Closed("t-1", "bo")).then_state(
        Agent("bo", open=0), Ticket("t-1", "closed", "bo", NOON)
    )
    given(OPEN).when(close(Ticket("t-1"))).then_refused("nobody has it")
    given(OPEN, Assigned("t-1", "bo"), Promoted("bo", "cy")).when(escalate(Ticket("t-1"))).then(
        Assigned("t-1", "cy")
    )
    given(OPEN, Assigned("t-1", "bo")).when(close_all([Ticket("t-1")])).then(Closed("t-1", "bo"))


def test_an_event_that_no_stage_reads_could_not_have_mattered() -> None:
    with pytest.raises(AssertionError, match=r"Promoted\(cy.*could not have mattered"):
        given(OPEN, Assigned("t-1", "bo"), Promoted("cy", "bo")).when(close(Ticket("t-1")))


def test_inputs_are_the_same_in_each_run() -> None:
    for _ in range(2):
        scenario = (
            given()
            .when(open_ticket(), author="ann", time="2026-03-01 12:00")
            .then(Opened("new-1", "ann", NOON))
        )
        scenario.when(open_ticket(), author="bo").then(Opened("new-2", "bo", NOON))
    given().when(open_ticket(new="t-1", now=NOON, by="ann")).then(OPEN)
    with pytest.raises(MissingInput):
        given().when(open_ticket())


def test_the_time_of_the_decision_is_that_of_the_scenario() -> None:
    given(OPEN).when(reopen(Ticket("t-1")), time=NOON + dt.timedelta(days=13)).then(Reopened("t-1"))
    given(OPEN).when(reopen(Ticket("t-1")), time=NOON + dt.timedelta(days=15)).then_refused("too late")


def test_chance_follows_from_the_seed() -> None:
    agents = [Agent(str(number)) for number in range(9)]
    lots = [random.Random(seed).choice(range(9)) for seed in range(3)]
    assert len(set(lots)) > 1
    for seed, lot in enumerate(lots):
        given(OPEN).when(draw_lots(agents, Ticket("t-1")), seed=seed).then(Assigned("t-1", str(lot)))


@command
def by_clock() -> Silence:
    return Silence(str(dt.datetime.now(dt.UTC)))


@command
def by_uuid() -> Silence:
    return Silence(str(uuid.uuid4()))


@command
def by_lot() -> Silence:
    return Silence(str(random.random()))


counted: list[int] = []


@command
def by_count() -> Silence:
    counted.append(1)
    return Silence(str(len(counted)))


@command
def by_lot_or_nothing(chance: Random = provided) -> Silence | None:
    counted.append(1)
    return Silence("even") if len(counted) % 2 else None


@pytest.mark.parametrize("impure", [by_clock, by_uuid, by_lot, by_count, by_lot_or_nothing])
def test_a_command_that_is_not_pure_is_found_and_told_what_to_use(impure: Callable[[], Any]) -> None:
    with pytest.raises(AssertionError) as found:
        given().when(impure())
    words = str(found.value)
    assert "decided otherwise when it was decided once more on the same states" in words
    assert "now: Now = provided, new: NewId = provided, chance: Random = provided" in words


def test_a_given_event_that_could_not_have_mattered_is_told_before_a_command_that_is_not_pure() -> None:
    with pytest.raises(AssertionError, match="could not have mattered"):
        given(OPEN).when(by_clock())


def test_commands_in_every_order_have_inputs_and_all_their_states() -> None:
    rivals = [assign(Ticket("t-1"), Agent("bo")), close(Ticket("t-1")), open_ticket(Ticket("t-2"))]
    orders = every_order(rivals, given=[OPEN], author="ann")
    assert sorted(len(order.accepted) for order in orders) == [2, 2, 2, 3, 3, 3]
    done = in_order(rivals, given=[OPEN], author="ann")
    assert Agent("bo", open=0) in done.states
