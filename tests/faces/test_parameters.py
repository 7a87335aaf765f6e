"""Commands whose states may be missing, are many, or depend on others; and the inputs of a decision."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from backstory import (
    Author,
    Condition,
    Database,
    Event,
    Now,
    Refused,
    command,
    depends,
    provided,
)
from backstory.errors import DecisionError, IdReused, MissingInput
from backstory.history.merge.merge import Options
from backstory.store import Store
from backstory.subject import subject_of
from tests.faces.conftest import Face
from tests.history.ledger import reported
from tests.state.helpdesk import (
    Agent,
    Assigned,
    Closed,
    Opened,
    Promoted,
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


def busiest(ticket: Ticket) -> Agent:
    """Changes what it is given, which it should not."""
    agent = Agent(ticket.agent)
    ticket.agent = "nobody"
    return agent


@command(name="desk.hand-over")
def hand_over(ticket: Ticket, agent: Agent = depends(busiest)) -> Assigned:
    return Assigned(ticket.ticket, f"{ticket.agent} {agent.agent} {agent.open}")


def test_what_a_function_that_names_a_state_changes_is_seen_by_nobody(db: Database) -> None:
    db.append(Opened("t-1", "ann", NOON), Assigned("t-1", "bo"))
    db.execute(hand_over(Ticket("t-1")))
    assert [record.event for record in db.read(Assigned)][1:] == [Assigned("t-1", "bo bo 1")]


@pytest.fixture
def db(face: Face, store: Store) -> Database:
    """A database in which a minute passes with each look at the clock; ids are `id-1` and so on."""
    return face(ticking(store))


def ticking(store: Store) -> Database:
    minutes, ids, secrets = iter(range(10_000)), iter(range(1, 10_000)), iter(range(10_000))
    return Database(
        store,
        clock=lambda: NOON + dt.timedelta(minutes=next(minutes)),
        ids=lambda: f"id-{next(ids)}",
        secrets=lambda: next(secrets).to_bytes(16, "little"),
    )


def opened(*tickets: str, agent: str = "") -> list[Any]:
    events: list[Any] = [Opened(ticket, "ann", NOON) for ticket in tickets]
    return events + [Assigned(ticket, agent) for ticket in tickets if agent]


def between(db: Database, act: Callable[[], object]) -> list[int]:
    """Let somebody act between a decision and its append, once; gives the position of each decision."""
    decided: list[int] = []
    executor = db.handle.tip.line.executor
    decide = executor.decide

    def slow(*arguments: Any) -> Any:
        decision = decide(*arguments)
        decided.append(decision.position)
        if len(decided) == 1:
            act()
        return decision

    executor.decide = slow  # type: ignore[method-assign, assignment]
    return decided


def test_a_state_that_may_be_missing_is_loaded_only_if_it_is_there(db: Database) -> None:
    with db.context(author="ann"):
        named = db.execute(open_ticket(Ticket("t-1")))
        unnamed = db.execute(open_ticket())
    assert named is not None
    assert unnamed is not None
    assert named.condition == Condition(Ticket("t-1").query(), 0)
    assert unnamed.condition is None
    assert named.command is not None
    assert unnamed.command is not None
    assert named.command["arguments"] == {"ticket": {"ticket": "t-1"}}
    assert unnamed.command["arguments"] == {"ticket": None}
    assert [subject_of(db.log, one) for one in (named, unnamed)] == ["desk.open(t-1)", "desk.open(None)"]
    assert (str(open_ticket(Ticket("t-1"))), str(open_ticket())) == ("desk.open(t-1)", "desk.open(None)")


def test_many_states_come_in_their_order_and_make_one_boundary(db: Database) -> None:
    db.append(*opened("t-1", "t-2", agent="bo"))
    commit = db.execute(close_all([Ticket("t-2"), Ticket("t-1")]))
    assert commit is not None
    assert [record.event.ticket for record in db.read(Closed)] == ["t-2", "t-1"]
    boundary = Ticket("t-1").query() | Ticket("t-2").query() | Agent("bo").query()
    assert commit.condition == Condition(boundary, 4)
    assert commit.command == {
        "name": "desk.close-all",
        "arguments": {"tickets": [{"ticket": "t-2"}, {"ticket": "t-1"}], "note": ""},
        "states": ["tickets"],
    }
    assert subject_of(db.log, commit) == "desk.close-all([t-2, t-1], …)"
    assert str(close_all([Ticket("t-2"), Ticket("t-1")])) == "desk.close-all([t-2, t-1], note='')"
    assert db.load(Agent("bo")).open == 0


def test_no_states_at_all_are_no_boundary(db: Database) -> None:
    @command
    def note(tickets: list[Ticket]) -> Silence:
        return Silence(str(len(tickets)))

    commit = db.execute(note([]))
    assert commit is not None
    assert commit.condition is None


def test_a_state_that_is_named_twice_is_read_once_and_each_has_its_own(db: Database) -> None:
    seen: list[Any] = []

    @command
    def look(tickets: list[Ticket], ticket: Ticket, one: Ticket = depends(same)) -> Silence:
        seen.append([one.status for one in (*tickets, ticket, one)])
        ticket.status = tickets[0].status = "spoiled"
        seen.append([one.status for one in (*tickets, ticket, one)])
        return Silence("x")

    db.append(*opened("t-1"))
    reads: list[Any] = []
    log = db.handle.tip.line.log
    read = log.read

    def counted(*arguments: Any, **named: Any) -> Any:
        reads.append(arguments)
        return read(*arguments, **named)

    log.read = counted  # type: ignore[method-assign]
    db.execute(look([Ticket("t-1"), Ticket("t-1")], Ticket("t-1")))
    assert len(reads) == 1
    assert seen == [["open"] * 4, ["spoiled", "open", "spoiled", "open"]]
    assert db.load(Ticket("t-1")).status == "open"


def same(ticket: Ticket) -> Ticket:
    return Ticket(ticket.ticket)


def test_a_dependent_state_is_read_and_protected(db: Database) -> None:
    db.append(*opened("t-1", agent="bo"))
    commit = db.execute(close(Ticket("t-1")))
    assert commit is not None
    assert commit.condition == Condition(Ticket("t-1").query() | Agent("bo").query(), 2)
    assert commit.command == {
        "name": "desk.close",
        "arguments": {"ticket": {"ticket": "t-1"}},
        "states": ["ticket"],
    }
    assert db.load(Agent("bo")) == Agent("bo", open=0)
    assert db.load(Ticket("t-1")).status == "closed"


def test_a_dependent_state_may_be_missing(db: Database) -> None:
    db.append(*opened("t-1"))
    with pytest.raises(Refused, match="nobody has it"):
        db.execute(close(Ticket("t-1")))


@pytest.mark.parametrize(
    ("meanwhile", "agent"),
    [(Assigned("t-1", "cy"), "cy"), (Promoted("bo", "cy"), "bo")],
    ids=["the choice changes", "the chosen state changes"],
)
def test_what_chose_a_state_and_what_was_chosen_are_both_reasons_to_decide_again(
    db: Database, meanwhile: Event, agent: str
) -> None:
    db.append(*opened("t-1", agent="bo"))
    decided = between(db, lambda: db.append(meanwhile))
    db.execute(close(Ticket("t-1")))
    assert decided == [2, 3]
    assert [record.event.agent for record in db.read(Closed)] == [agent]


def test_what_is_outside_of_all_stages_is_no_reason(db: Database) -> None:
    db.append(*opened("t-1", agent="bo"))
    decided = between(db, lambda: db.append(*opened("t-2", agent="cy")))
    db.execute(close(Ticket("t-1")))
    assert decided == [2]


def test_a_dependent_state_may_depend_on_another_whatever_their_order(db: Database) -> None:
    db.append(*opened("t-1", agent="bo"), Promoted("bo", "cy"))
    commit = db.execute(escalate(Ticket("t-1")))
    assert commit is not None
    boundary = Ticket("t-1").query() | Agent("bo").query() | Agent("cy").query()
    assert commit.condition == Condition(boundary, 3)
    assert db.load(Ticket("t-1")).agent == "cy"


def test_all_stages_are_read_at_one_position(db: Database) -> None:
    """Between the stages somebody changes both states: the decision sees neither change, and is too late."""
    db.append(*opened("t-1", agent="bo"))
    seen: list[tuple[str, int]] = []

    def slow(ticket: Ticket) -> Agent:
        if not seen:
            db.append(Closed("t-1", "bo"))
        return Agent(ticket.agent)

    @command
    def look(ticket: Ticket, agent: Agent = depends(slow)) -> Silence:
        seen.append((ticket.status, agent.open))
        return Silence("x")

    db.execute(look(Ticket("t-1")))
    assert seen == [("open", 1), ("closed", 0)]


def test_a_function_that_names_no_state_where_one_is_needed_is_told(db: Database) -> None:
    def nobody(ticket: Ticket) -> Agent:
        return None  # type: ignore[return-value]

    @command
    def look(ticket: Ticket, agent: Agent = depends(nobody)) -> Silence:
        return Silence("x")

    with pytest.raises(DecisionError, match="nobody gave None for agent: Agent"):
        db.execute(look(Ticket("t-1")))
    assert db.head().position == 0


def test_a_refusal_of_a_function_that_names_a_state_is_the_command_s(db: Database) -> None:
    def nobody(ticket: Ticket) -> Agent:
        raise Refused("nobody is there")

    @command
    def look(ticket: Ticket, agent: Agent = depends(nobody)) -> Silence:
        return Silence("x")

    with pytest.raises(Refused, match="nobody is there"):
        db.execute(look(Ticket("t-1")))


def test_a_preview_has_all_states_as_the_function_gets_them(db: Database) -> None:
    db.append(*opened("t-1", "t-2", agent="bo"))
    seen = db.preview(close_all([Ticket("t-1"), Ticket("t-2")]))
    assert [one.status for one in seen.before["tickets"]] == ["open", "open"]
    assert [one.status for one in seen.after["tickets"]] == ["closed", "closed"]
    assert [one.open for one in seen.before["agents"]] == [2, 2]
    assert [one.open for one in seen.after["agents"]] == [0, 0]
    missing = db.preview(open_ticket(now=NOON, by="ann"))
    assert missing.before == missing.after == {"ticket": None}
    assert db.head().position == 4


def test_remembered_states_of_all_stages_go_on_with_the_commit(db: Database) -> None:
    db.append(*opened("t-1", "t-2", agent="bo"))
    db.execute(close(Ticket("t-1")))
    db.execute(close(Ticket("t-2")))
    reads = 0
    log = db.handle.tip.line.log
    read = log.read

    def counted(*arguments: Any, **named: Any) -> Iterator[Any]:
        nonlocal reads
        for record in read(*arguments, **named):
            reads += 1
            yield record

    log.read = counted  # type: ignore[method-assign]
    assert (db.load(Agent("bo")).open, db.load(Ticket("t-2")).status) == (0, "closed")
    assert reads == 0


def test_with_an_id_a_command_of_many_states_happens_once(db: Database) -> None:
    db.append(*opened("t-1", "t-2", agent="bo"))
    first = db.execute(close_all([Ticket("t-1")]), id="x")
    assert db.execute(close_all([Ticket("t-1")]), id="x") == first
    with pytest.raises(IdReused):
        db.execute(close_all([Ticket("t-1"), Ticket("t-2")]), id="x")


def test_inputs_are_drawn_once_and_recorded_beside_the_arguments(db: Database) -> None:
    other = db.append(*opened("t-0"))
    commit = db.execute(open_ticket(), author="ann")
    assert commit is not None
    [record] = db.read(Opened, after=other.position)
    assert commit.command is not None
    inputs = commit.command["inputs"]
    assert inputs == {"new": record.event.ticket, "now": record.event.at.isoformat().replace("+00:00", "Z")}
    assert record.event.ticket.startswith("id-")
    assert record.event.by == commit.author == "ann"
    assert NOON < record.event.at < commit.authored


def test_inputs_are_the_same_in_every_try(db: Database) -> None:
    drawn: list[Any] = []

    @command
    def look(
        ticket: Ticket, now: Now = provided, by: Author = provided, agent: Agent = depends(own)
    ) -> Silence:
        drawn.append((now, by, agent.agent))
        return Silence("x")

    decided = between(db, lambda: db.append(*opened("t-1")))
    db.execute(look(Ticket("t-1")), author="ann")
    assert decided == [0, 1]
    assert drawn[0] == drawn[1]
    assert drawn[0][1:] == ("ann", "ann")


def own(by: Author) -> Agent:
    return Agent(by)


def test_chance_is_the_same_in_every_try_and_other_in_another_execution(db: Database) -> None:
    agents = [Agent(str(number)) for number in range(50)]
    db.append(*opened("t-1"))
    decided = between(db, lambda: db.append(Assigned("t-1", "cy")))
    db.execute(draw_lots(agents, Ticket("t-1")))
    first = db.load(Ticket("t-1")).agent
    assert len(decided) == 2
    commit = list(db.commits())[-1]
    assert commit.command is not None
    assert 0 <= commit.command["inputs"]["chance"] < 2**48
    drawn = {first}
    for _ in range(3):
        db.execute(draw_lots(agents, Ticket("t-1")))
        drawn.add(db.load(Ticket("t-1")).agent)
    assert len(drawn) > 1


def test_a_retry_that_draws_other_inputs_is_the_recorded_commit(db: Database) -> None:
    first = db.execute(open_ticket(), id="once", author="ann")
    assert db.execute(open_ticket(), id="once", author="bo") == first
    assert db.execute(open_ticket(now=NOON, new="other"), id="once", author="ann") == first
    with pytest.raises(IdReused):
        db.execute(open_ticket(Ticket("t-1")), id="once", author="ann")
    assert db.head().position == 1


def test_an_author_who_is_needed_and_missing_is_an_error_that_says_what_to_do(db: Database) -> None:
    with pytest.raises(MissingInput, match=r"desk.open: by is the author") as missing:
        db.execute(open_ticket())
    assert "by: Author | None" in missing.value.hints[1]

    @command
    def note(by: Author | None = provided) -> Silence:
        return Silence(by or "nobody")

    db.execute(note())
    db.execute(note(), author="ann")
    db.execute(note(by="bo"), author="ann")
    assert [record.event.agent for record in db.read()] == ["nobody", "ann", "bo"]
    commands = [commit.command for commit in db.commits()]
    assert [one and one.get("inputs") for one in commands] == [None, None, {"by": "bo"}]


def test_an_input_that_is_given_is_recorded_as_it_is(db: Database) -> None:
    berlin = dt.timezone(dt.timedelta(hours=2))
    commit = db.execute(open_ticket(now=NOON.astimezone(berlin), new="t-9", by="ann"))
    assert commit is not None
    assert commit.command is not None
    assert commit.command["inputs"] == {"new": "t-9", "now": "2026-03-01T12:00:00Z", "by": "ann"}
    [record] = db.read()
    assert record.event == Opened("t-9", "ann", NOON)
    assert record.event.at.utcoffset() == dt.timedelta(0)


@pytest.fixture
def forked(store: Store) -> Iterator[Database]:
    db = ticking(store)
    with db:
        yield db


def merged(db: Database, resolution: Any = "redecide") -> Any:
    return reported(db.merge, "side", Options(resolution=resolution, message="why"))


def test_a_decision_that_is_made_again_in_a_merge_finds_its_dependent_states_again(forked: Database) -> None:
    db = forked
    db.append(*opened("t-1", agent="bo"))
    side = db.branch("side")
    side.execute(close(Ticket("t-1")))
    db.execute(assign(Ticket("t-1"), Agent("cy")))
    report = merged(db, None)
    [step] = report.steps
    assert step.outcome == "conflict"
    assert (step.before["agent"].agent, step.after["agent"].agent) == ("bo", "cy")
    report = merged(db)
    assert [step.outcome for step in report.steps] == ["changed"]
    [commit] = report.commits
    assert commit.condition.query == Ticket("t-1").query() | Agent("cy").query()
    assert [record.event.agent for record in db.read(Closed)] == ["cy"]


def test_a_decision_that_is_made_again_in_a_merge_has_its_recorded_inputs(forked: Database) -> None:
    db = forked
    db.append(Opened("t-1", "ann", NOON))
    side = db.branch("side")
    side.execute(reopen(Ticket("t-1"), now=NOON + dt.timedelta(days=13)))
    agents = [Agent(str(number)) for number in range(50)]
    side.execute(draw_lots(agents, Ticket("t-1")))
    with side.context(author="bo"):
        side.execute(open_ticket(Ticket("t-1")))
    drawn, again = [record.event for record in side.read(after=2)]
    db.append(Assigned("t-1", "zz"))
    report = merged(db)
    assert [step.outcome for step in report.steps] == ["same", "same", "same"]
    assert [record.event for record in db.read(after=3)] == [drawn, again]
    assert again.by == "bo"


def test_an_input_that_was_not_recorded_is_a_reason_not_to_decide_again(forked: Database) -> None:
    @command(name="desk.later")
    def later(ticket: Ticket) -> Silence:
        return Silence(f"was {ticket.status}")

    db = forked
    side = db.branch("side")
    side.execute(later(Ticket("t-1")))
    db.append(*opened("t-1"))

    @command(name="desk.later")
    def later2(ticket: Ticket, now: Now = provided) -> Silence:
        return Silence(f"{ticket.status} {now}")

    [step] = merged(db).steps
    assert step.outcome == "conflict"
    assert step.reason == "its command cannot be run again: desk.later: now was not recorded"


def test_a_recorded_command_is_plain_json(db: Database) -> None:
    commit = db.execute(draw_lots([Agent("bo")], Ticket("t-1")))
    assert commit is not None
    assert json.loads(commit.command_json) == commit.command


def test_an_agent_with_enough_to_do_is_found_by_the_condition(db: Database) -> None:
    db.append(*(Assigned(f"t-{number}", "bo") for number in range(4)))
    between(db, lambda: db.append(Assigned("t-5", "bo")))
    with pytest.raises(Refused, match="enough to do"):
        db.execute(assign(Ticket("t-6"), Agent("bo")))
