"""The helpdesk, as its people would say it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from backstory import connect
from backstory.testing import given
from examples.helpdesk.escalation import PATIENCE, Escalation
from examples.helpdesk.events import Escalated, Opened, Replied, Solved, Taken
from examples.helpdesk.ticket import URGENT, Ticket, escalate, open_ticket, reply, solve, take

T = Ticket("t-1")
OPENED = Opened("t-1", "No light", "It is dark.", "ann")


def test_anybody_may_ask_for_something() -> None:
    opened = Opened("new-1", "Printer", "It is jammed.", "ann")
    given().when(open_ticket(" Printer ", "It is jammed."), author="ann").then(opened)
    given().when(open_ticket("Printer", " "), author="ann").then_refused("empty")


def test_a_ticket_is_taken_by_one_agent() -> None:
    given(OPENED).when(take(T, by="mia")).then(Taken("t-1", "mia"))
    given(OPENED, Taken("t-1", "mia")).when(take(T, by="leo")).then_refused("taken")


def test_whoever_is_there_may_reply_and_solve_it() -> None:
    given(OPENED).when(reply(T, " Which room? ", by="mia")).then(Replied("t-1", "Which room?", "mia"))
    given(OPENED).when(reply(T, "  ", by="mia")).then_refused("empty")
    given(OPENED).when(solve(T, by="ann")).then(Solved("t-1", "ann"))


def test_what_is_solved_stays_so() -> None:
    for command in (reply(T, "x", by="ann"), take(T, by="mia"), solve(T, by="mia"), escalate(T)):
        given(OPENED, Solved("t-1", "ann")).when(command).then_refused("solved")
        given().when(command).then_refused("unknown")


def test_only_a_ticket_that_waits_is_escalated() -> None:
    given(OPENED).when(escalate(T)).then(Escalated("t-1"))
    given(OPENED, Taken("t-1", "mia")).when(escalate(T)).then_refused("taken")


@pytest.mark.parametrize("taken", [False, True])
def test_a_ticket_that_nobody_takes_for_four_hours_comes_first(taken: bool) -> None:
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    with connect(clock=lambda: now) as db:
        db.execute(open_ticket("No light", "It is dark."), author="ann")
        [ticket] = db.identities(Ticket)
        beside = db.run(Escalation)
        for hours in (PATIENCE - timedelta(minutes=1), timedelta(minutes=1)):
            beside.run(once=True)
            assert db.load(ticket).rank != URGENT
            if taken and not db.load(ticket).agent:
                db.execute(take(ticket), author="mia")
            now += hours
        beside.run(once=True)
        assert (db.load(ticket).rank == URGENT) is not taken
