"""Which parameters a command may have, and the errors at its definition and its call; no store in sight."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from backstory import Author, NewId, Now, Random, command, depends, provided
from backstory.decide.call import same_call
from backstory.errors import DefinitionError
from tests.state.helpdesk import (
    Agent,
    Assigned,
    Silence,
    Ticket,
    assign,
    assignee,
    close,
    close_all,
    draw_lots,
    escalate,
    lead,
    open_ticket,
)

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def circular(above: Agent) -> Agent:
    return above


def of_nothing() -> Agent:
    return Agent("bo")


async def waiting(ticket: Ticket) -> Agent:
    return Agent(ticket.agent)


def stranger(person: str) -> Agent:
    return Agent(person)


def wrong_type(ticket: Agent) -> Agent:
    return ticket


def gives_text(ticket: Ticket) -> str:
    return ticket.agent


def gives_one(ticket: Ticket) -> Agent:
    return Agent(ticket.agent)


def one_by_one(ticket: Ticket) -> Any:
    yield Agent(ticket.agent)


def by_place(ticket: Ticket, /) -> Agent:
    return Agent(ticket.agent)


def any_number(*tickets: Ticket) -> Agent:
    return Agent(tickets[0].agent)


class Finder:
    def __call__(self, ticket: Ticket) -> Agent:
        return Agent(ticket.agent)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (one_by_one, r"agent depends on one_by_one, which is a generator; let it return a list"),
        (by_place, r"on by_place, whose parameter ticket cannot be given by its name"),
        (any_number, r"on any_number, whose parameter tickets cannot be given by its name"),
        (Finder(), r"which is a value of type Finder; write a function"),
        (partial(assignee), r"which is a value of type partial; write a function"),
        (5, r"agent depends on 5, which is a value of type int"),
        (waiting, r"agent depends on waiting, which is async"),
        (stranger, r"asks for person, and that is no parameter of look"),
        (wrong_type, r"which takes ticket as .*Agent.*, and look has it as .*Ticket"),
        (gives_text, r"which gives <class 'str'>, and not Agent"),
        (assignee, r"which gives .*None, and not Agent"),
    ],
)
def test_a_function_that_cannot_name_the_state_is_refused_at_the_definition(
    function: Callable[..., Any], words: str
) -> None:
    def look(ticket: Ticket, agent: Agent = depends(function)) -> None: ...

    with pytest.raises(DefinitionError, match=words):
        command(look)


def test_a_circle_is_refused_and_named() -> None:
    with pytest.raises(DefinitionError, match="look: above on above depends in a circle"):

        @command
        def look(above: Agent = depends(circular)) -> None: ...

    def one(other: Agent) -> Agent:
        return other

    def two(first: Agent) -> Agent:
        return first

    with pytest.raises(
        DefinitionError, match=r"look2: (first on other on first|other on first on other) depends"
    ):

        @command
        def look2(first: Agent = depends(one), other: Agent = depends(two)) -> None: ...


def test_one_state_is_no_list_of_them() -> None:
    with pytest.raises(DefinitionError, match=r"which gives one state, and not list\[Agent\]"):

        @command
        def look(ticket: Ticket, agents: list[Agent] = depends(gives_one)) -> None: ...  # type: ignore[arg-type]


def test_what_depends_on_others_is_a_state() -> None:
    with pytest.raises(DefinitionError, match=r"agent depends on gives_text, so it is a state"):

        @command
        def look(ticket: Ticket, agent: str = depends(gives_text)) -> None: ...


def test_a_function_may_need_nothing_and_may_name_one_where_none_is_allowed() -> None:
    @command
    def look(agent: Agent | None = depends(of_nothing), other: Agent | None = depends(lead)) -> None: ...

    assert look.stages == [("agent",), ("other",)]


def test_stages_follow_the_names_and_not_the_order_of_the_parameters() -> None:
    assert escalate.stages == [("agent",), ("above",)]
    assert close.stages == [("agent",)]
    assert assign.stages == []
    assert (assign.is_plain, open_ticket.is_plain, close_all.is_plain) == (True, False, False)


@pytest.mark.parametrize("given", ["t-1", 7, Agent("t-1"), [Ticket("t-1")]])
def test_a_value_that_is_no_reference_is_refused_where_there_may_be_none(given: Any) -> None:
    with pytest.raises(TypeError, match=r"^desk\.open: ticket is a Ticket \| None, not "):
        open_ticket(given)


@pytest.mark.parametrize("given", ["t-1", Ticket("t-1"), [Agent("t-1")], [None], None, {Ticket: 1}])
def test_a_value_that_is_no_list_of_references_is_refused_where_there_are_many(given: Any) -> None:
    with pytest.raises(TypeError, match=r"^desk\.close-all: tickets is a list\[Ticket\], not "):
        close_all(given)


def test_a_tuple_is_taken_as_a_list_which_the_caller_cannot_change_any_more() -> None:
    tickets = [Ticket("t-1")]
    made = close_all(tickets)
    tickets.clear()
    assert made == close_all((Ticket("t-1"),))  # type: ignore[arg-type]


def test_a_state_that_a_function_finds_is_not_given() -> None:
    with pytest.raises(TypeError, match=r"desk\.close: agent is found by assignee; leave it out"):
        close(Ticket("t-1"), Agent("bo"))


def test_an_input_needs_no_default_at_run_time() -> None:
    @command
    def note(now: Now, ticket: Ticket, by: Author, cents: int = 5) -> None: ...

    call: Any = note
    assert str(call(Ticket("t-1"), 7)) == "note(t-1, cents=7)"
    assert call(Ticket("t-1"), now=NOON, by="ann").inputs == {"now": NOON, "by": "ann"}


@pytest.mark.parametrize(
    "given",
    [
        {"now": dt.datetime(2026, 1, 1)},  # noqa: DTZ001 - that is the fault
        {"now": "2026-01-01"},
        {"now": None},
        {"by": ""},
        {"by": 7},
        {"by": "a\0"},
        {"new": None},
        {"new": "\ud800"},
        {"now": dt.datetime.max.replace(tzinfo=dt.timezone(dt.timedelta(hours=-12)))},
        {"now": dt.datetime.min.replace(tzinfo=dt.timezone(dt.timedelta(hours=12)))},
    ],
)
def test_an_input_of_another_kind_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"^desk\.open: an input is "):
        open_ticket(**given)


def test_a_long_value_is_cut_short_in_an_error() -> None:
    with pytest.raises(TypeError) as told:
        open_ticket("x" * 1_000_000)  # type: ignore[arg-type]
    assert len(str(told.value)) < 300


@pytest.mark.parametrize(
    "inputs",
    [
        None,
        "now",
        [],
        {"now": "2026-01-01T00:00:00"},
        {"now": "yesterday"},
        {"now": 5},
        {"new": ""},
        {"new": 5},
        {"by": ""},
    ],
)
def test_inputs_that_no_execution_has_recorded_are_an_error(inputs: Any) -> None:
    sound = {"now": "2026-01-01T00:00:00Z", "new": "t-1"}
    given = {**sound, **inputs} if isinstance(inputs, dict) else inputs
    recorded = open_ticket().recorded()
    assert open_ticket.again({**recorded, "inputs": sound}, "ann").given()["new"] == "t-1"
    with pytest.raises(TypeError):
        open_ticket.again({**recorded, "inputs": given}, "ann")


def test_chance_that_is_given_is_recorded_by_a_seed_that_follows_from_it() -> None:
    agents = [Agent("bo"), Agent("cy")]
    one, same, other = (draw_lots(agents, Ticket("t-1"), chance=random.Random(seed)) for seed in (1, 1, 2))
    assert one == same != other
    assert one.inputs["chance"] < 2**48
    assert one.recorded()["inputs"] == one.inputs


def test_a_random_random_that_could_not_be_recorded_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"annotate it with backstory\.Random"):

        @command
        def draw(chance: random.Random) -> None: ...


def test_what_was_recorded_is_a_command_again_with_states_of_every_shape() -> None:
    for made in (
        open_ticket(Ticket("t-1")),
        open_ticket(),
        close_all([]),
        close_all([Ticket("t-1"), Ticket("t-2")], note="x"),
        close(Ticket("t-1")),
    ):
        assert made.kind.parse(made.recorded()["arguments"]) == made
    for wrong in ({"tickets": {"ticket": "t-1"}}, {"tickets": None}, {"tickets": [None]}):
        with pytest.raises(TypeError, match=r"desk\.close-all: "):
            close_all.parse(wrong)
    with pytest.raises(TypeError, match=r"desk\.close has no parameter agent"):
        close.parse({"ticket": {"ticket": "t-1"}, "agent": {"agent": "bo"}})


def test_a_call_is_the_same_whatever_its_inputs() -> None:
    one, other = (open_ticket(new=name) for name in ("a", "b"))
    recorded = one.recorded_json()
    assert recorded != other.recorded_json()
    assert same_call(recorded, other)
    assert same_call(recorded, open_ticket())
    assert not same_call(recorded, open_ticket(Ticket("t-1"), new="a"))
    assert not same_call(b"", one)
    assert not same_call(b'{"name":7}', one)


def test_inputs_and_found_states_are_in_no_recorded_argument() -> None:
    assert close(Ticket("t-1")).recorded() == {
        "name": "desk.close",
        "arguments": {"ticket": {"ticket": "t-1"}},
        "states": ["ticket"],
    }
    assert repr(provided) == "provided"
    assert repr(depends(assignee)) == "depends(assignee)"


def test_a_command_may_have_new_ids_and_chance_alone() -> None:
    @command
    def roll(new: NewId = provided, chance: Random = provided) -> Silence:
        return Silence(f"{new} {chance.randint(1, 6)}")

    assert roll.plain == {}
    assert roll.reads == {}
    assert roll().references == []


def test_a_command_knows_all_that_it_reads() -> None:
    assert {name: one.wanted for name, one in close_all.reads.items()} == {
        "tickets": "list[Ticket]",
        "agents": "list[Agent]",
    }
    assert close_all.gives != (Assigned,)
