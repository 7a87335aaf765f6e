"""Reactions: each event once, its commands once, whatever fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from backstory import Command, Database, Record, aio
from backstory.decide.execution import ATTEMPTS
from backstory.errors import (
    Conflict,
    DecisionError,
    DefinitionError,
    ProjectionError,
    ReactionWarning,
    StoreLocked,
)
from backstory.projections.catalog import DIVERGED, KEPT_BACK, LEFT_OUT, PAUSED, RUNNING, STOPPED
from backstory.reactions import operate
from backstory.reactions.declare import Delivery, Reaction, reaction
from backstory.reactions.delivery import delivery_key
from backstory.reactions.keep import Keep
from backstory.right import give_up, has_right, take
from backstory.stores import open_store
from backstory.transfer import clone
from backstory.unit import Append
from backstory.values.event_data import EventData
from backstory.values.ids import derived
from tests.patience import until
from tests.reactions.conftest import Opener
from tests.reactions.shop import SENT, Confirmed, Order, Paid, Placed, confirm, note_confirmed, pay


@pytest.fixture(autouse=True)
def no_mails() -> None:
    """Nothing was sent yet."""
    SENT.clear()


def react(db: Database, *reactions: Any) -> None:
    """Run them until nothing is left to do."""
    db.run(*reactions).run(once=True)


def confirmed(db: Database) -> list[str]:
    """The orders that were confirmed, in order."""
    return [record.event.order for record in db.read(Confirmed)]


def at(db: Database, name: str) -> Any:
    """The checkpoint of a reaction."""
    return Keep(db.store, name).look()


def test_each_event_is_delivered_once_and_its_command_is_in_the_log(connect: Opener) -> None:
    db = connect()
    for number in range(5):
        db.append(Placed(f"o-{number}", number))
    react(db, confirm)
    react(db, confirm)
    assert confirmed(db) == [f"o-{number}" for number in range(5)]
    assert [(order, attempt) for order, _, attempt in SENT] == [(f"o-{number}", 1) for number in range(5)]
    placed = next(db.read(Placed))
    noted = next(db.read(Confirmed))
    key = delivery_key("confirm", placed.commit, placed.position)
    assert SENT[0][1] == key
    assert noted.commit.id == derived("reaction", f"{key}.0")
    assert (noted.author, noted.metadata["causation"]) == ("confirm", placed.commit.id)
    assert at(db, "confirm").owner == ""


def test_what_comes_while_it_runs_is_delivered_too(connect: Opener) -> None:
    db = connect()
    with db.run(confirm):
        db.append(Placed("o-1", 1))
        until(lambda: confirmed(db) == ["o-1"])


def test_by_default_it_begins_where_the_log_ends_when_it_is_first_run(connect: Opener) -> None:
    seen: list[str] = []

    @reaction
    def watch(event: Placed) -> None:
        seen.append(event.order)

    db = connect()
    db.append(Placed("old", 1))
    with db.run(watch):
        db.append(Placed("new", 1))
        until(lambda: seen)
    db.append(Placed("newer", 1))
    react(db, watch)
    assert seen == ["new", "newer"]


def test_states_are_those_as_of_the_event(connect: Opener) -> None:
    db = connect()
    db.append(Placed("o-1", 1), Placed("o-1", 2))
    db.append(Placed("o-1", 3))
    react(db, confirm)
    assert [record.event.cents for record in db.read(Confirmed)] == [1, 2, 3]


def test_a_command_whose_id_is_in_the_log_was_executed_whatever_its_arguments_say(connect: Opener) -> None:
    db = connect()
    commit = db.append(Placed("o-1", 1), Placed("o-2", 2))
    react(db, confirm)

    @reaction(name="confirm", since="start")
    def newer(event: Placed) -> Iterator[Command]:
        yield note_confirmed(Order(event.order), cents=99)
        yield note_confirmed(Order(event.order), cents=100)

    keep = Keep(db.store, "confirm")
    keep.change(lambda now: replace(now, position=0, hash="00" * 32))  # as if the checkpoint had been lost
    react(db, newer)
    assert [record.event.cents for record in db.read(Confirmed)] == [1, 2, 100, 100]
    assert commit.size == 2


def test_a_refusal_is_an_answer(connect: Opener) -> None:
    @reaction(since="start")
    def pay_at_once(event: Placed) -> Command:
        return pay(Order(event.order))

    db = connect()
    db.append(Placed("o-1", 1))
    db.append(Paid("o-1"))
    db.append(Placed("o-2", 1))
    react(db, pay_at_once)
    assert [record.event.order for record in db.read(Paid)] == ["o-1", "o-2"]
    assert (at(db, "pay_at_once").refused, at(db, "pay_at_once").position) == (1, 3)

    @reaction(since="start", on_refused="park")
    def pay_or_park(event: Placed) -> Command:
        return pay(Order(event.order))

    react(db, pay_or_park)
    assert [(one.position, one.tries) for one in operate.parked(pay_or_park, db.store)] == [(1, 1), (3, 1)]


def test_an_event_that_always_fails_is_parked_with_the_later_ones_of_its_key(connect: Opener) -> None:
    db = connect()
    for order, cents in (("a", 1), ("b", -1), ("b", 2), ("c", 3)):
        db.append(Placed(order, cents))
    react(db, confirm)
    assert confirmed(db) == ["a", "c"]
    assert [attempt for order, _, attempt in SENT if order == "b"] == [1, 2]
    poison, later = operate.parked(confirm, db.store)
    assert (poison.position, poison.key, poison.state, poison.tries) == (2, "b", KEPT_BACK, 2)
    assert poison.why.startswith("ValueError: no mail for -1 cent (shop.py:")
    assert (later.position, later.why) == (3, "an earlier event of the same key")
    found = operate.standing(confirm, db.store, db.views.source, db.branches.clock())
    assert (found.kind, found.state, found.parked, found.lag) == ("reaction", RUNNING, 2, 0)


def test_parked_events_are_tried_again_in_order_and_left_out_with_a_reason(connect: Opener) -> None:
    db = connect()
    for order, cents in (("b", -1), ("b", 2), ("c", -1)):
        db.append(Placed(order, cents))
    react(db, confirm)
    assert operate.retry(confirm, db.store, 2) == 2
    react(db, confirm)
    assert [one.tries for one in operate.parked(confirm, db.store)] == [3, 0, 2]
    operate.skip(confirm, db.store, 1, "a test order")
    assert operate.retry(confirm, db.store) == 2
    db.append(Placed("b", 4))
    react(db, confirm)
    assert [record.event.cents for record in db.read(Confirmed)] == [2, 4]
    left, kept = operate.parked(confirm, db.store)
    assert (left.position, left.state, left.why) == (1, LEFT_OUT, "a test order")
    assert (kept.position, kept.state, kept.tries) == (3, KEPT_BACK, 3)
    with pytest.raises(ProjectionError, match="confirm keeps no event #4 back"):
        operate.retry(confirm, db.store, 4)
    with pytest.raises(ProjectionError, match="confirm keeps no event #4 back"):
        operate.skip(confirm, db.store, 4, "why")


def test_an_event_that_nobody_can_read_stops_it_until_it_is_left_out(connect: Opener) -> None:
    db = connect()
    db.append(EventData("shop.ordered", 1, ("order:a",), b'{"order":"a"}'))
    db.append(Placed("b", 1))
    react(db, confirm)
    assert at(db, "confirm").state == STOPPED
    assert "#1 shop.ordered: " in at(db, "confirm").why
    operate.skip(confirm, db.store, 1, "broken")
    react(db, confirm)
    assert (at(db, "confirm").state, confirmed(db)) == (RUNNING, ["b"])


def test_at_most_once_leaves_out_an_event_whose_try_did_not_end(connect: Opener) -> None:
    seen: list[int] = []

    @reaction(since="start", at_most_once=True)
    def call(event: Placed) -> None:
        seen.append(event.cents)
        if event.cents == 1:
            raise KeyboardInterrupt
        if event.cents == 2:
            raise ValueError("no")

    db = connect()
    for cents in range(4):
        db.append(Placed("a", cents))
    with pytest.raises(KeyboardInterrupt):
        react(db, call)
    react(db, call)
    assert seen == [0, 1, 2, 3]
    assert [(one.position, one.state) for one in operate.parked(call, db.store)] == [
        (2, LEFT_OUT),
        (3, KEPT_BACK),
    ]


@pytest.mark.parametrize("most", [2, ATTEMPTS + 1], ids=["few", "more than one turn has tries for"])
def test_a_conflict_decides_the_commands_again_and_never_runs_the_reaction_again(
    connect: Opener, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    db = connect()
    runs: list[int] = []

    @reaction(since="start")
    def greedy(event: Placed, delivery: Delivery) -> Iterator[Command]:
        runs.append(delivery.attempt)
        yield pay(Order(event.order))

    db.append(Placed("o-1", 1))
    conflicts: list[Any] = []
    others = False

    def meanwhile(units: Any) -> Any:
        nonlocal others
        gives = any(isinstance(step, Append) for unit in units for step in unit.steps)
        if not gives or others or len(conflicts) == most:
            return write(units)
        others = True
        db.append(Placed("o-1", 5))
        others = False
        conflicts.extend(write(units))
        return conflicts[-1:]

    write = db.store.write
    monkeypatch.setattr(db.store, "write", meanwhile)
    react(db, greedy)
    assert [type(each) for each in conflicts] == [Conflict] * most
    assert runs == [1] * (1 + most)  # once for each order that was placed
    assert (len(list(db.read(Paid))), at(db, "greedy").refused) == (1, most)


def test_a_pause_holds_it_and_resume_lets_it_go_on(connect: Opener) -> None:
    db = connect()
    with pytest.raises(ProjectionError, match="nobody has ever run confirm"):
        operate.pause(confirm, db.store)
    with db.run(confirm):
        db.append(Placed("a", 1))
        until(lambda: confirmed(db) == ["a"])
        operate.pause(confirm, db.store)
        db.append(Placed("b", 1))
        assert at(db, "confirm").state == PAUSED
        operate.resume(confirm, db.store)
        until(lambda: confirmed(db) == ["a", "b"])


def test_a_runner_that_begins_again_goes_on_where_another_one_has_ended(connect: Opener) -> None:
    seen: list[int] = []

    @reaction(since="start")
    def count(event: Placed) -> None:
        seen.append(event.cents)
        if event.cents == 1:
            operate.pause(count, db.store)

    db = connect()
    for cents in (1, 2, 3):
        db.append(Placed("a", cents))
    first = db.run(count)
    first.run(once=True)
    assert (seen, at(db, "count").state, at(db, "count").position) == ([1], PAUSED, 1)
    operate.resume(count, db.store)
    react(db, count)
    first.run(once=True)
    assert (seen, at(db, "count").position) == ([1, 2, 3], 3)


def test_of_many_runners_one_delivers(connect: Opener) -> None:
    db = connect()
    for number in range(20):
        db.append(Placed(f"o-{number}", number))
    runners = [db.run(confirm, lease=60) for _ in range(4)]
    for runner in runners:
        runner.__enter__()
    until(lambda: len(confirmed(db)) == 20)
    for runner in runners:
        runner.__exit__()
    assert len(SENT) == 20


def test_reactions_give_events_to_each_other_and_projections_follow(connect: Opener) -> None:
    seen: list[int] = []

    @reaction(since="start")
    def celebrate(event: Confirmed, record: Record) -> None:
        seen.append(record.position)

    db = connect()
    db.append(Placed("a", 1))
    react(db, celebrate, confirm)
    assert seen == [2]


def test_without_the_right_nothing_reacts_and_a_warning_says_so(connect: Opener) -> None:
    db = connect()
    db.append(Placed("a", 1))
    give_up(db.store)
    with pytest.warns(ReactionWarning, match="confirm: not run, because this store does not react: it has a"):
        react(db, confirm)
    assert (SENT, at(db, "confirm")) == ([], None)
    take(db.store)
    react(db, confirm)
    assert confirmed(db) == ["a"]


def test_what_cannot_be_a_reaction_is_refused_when_it_is_defined() -> None:
    with pytest.raises(DefinitionError, match="its first parameter is the event"):

        @reaction
        def nothing() -> None: ...

    with pytest.raises(DefinitionError, match="cents is to be a state, Delivery or Record"):

        @reaction
        def wrong(event: Placed, cents: int) -> None: ...

    with pytest.raises(DefinitionError, match="has no field 'customer', its partition"):

        @reaction(partition="customer")
        def parted(event: Placed) -> None: ...

    with pytest.raises(DefinitionError, match="since is 'now' or 'start', not 'then'"):

        @reaction(since="then")
        def begun(event: Placed) -> None: ...

    with pytest.raises(DefinitionError, match="cannot be a name"):
        reaction(name="Mail!")(lambda event: None)
    assert isinstance(confirm, Reaction)


def test_a_reaction_that_gives_something_else_is_parked_with_words(connect: Opener) -> None:
    @reaction(since="start", retries=1)
    def wrong(event: Placed) -> Any:
        return event

    db = connect()
    db.append(Placed("a", 1))
    react(db, wrong)
    [parked] = operate.parked(wrong, db.store)
    assert "a reaction gives commands" in parked.why
    assert DecisionError.__name__ in parked.why


def test_two_of_one_name_are_refused(connect: Opener) -> None:
    with pytest.raises(DefinitionError, match="two reactions have the name 'confirm'"):
        connect().run(confirm, confirm)


def test_what_happened_on_a_branch_is_delivered_once_when_it_is_merged(connect: Opener) -> None:
    db = connect()
    react(db, confirm)
    branch = db.branch("trial")
    for number in range(50):
        branch.append(Placed(f"o-{number}", number))
    react(db, confirm)
    assert SENT == []
    db.merge("trial")
    react(db, confirm)
    db.merge("trial")
    react(db, confirm)
    assert confirmed(db) == [f"o-{number}" for number in range(50)]
    keys = {order: key for order, key, _ in SENT}
    placed = next(branch.read(Placed))
    assert keys["o-0"] == delivery_key("confirm", placed.commit, placed.position)


def test_a_branch_runs_the_reactions_of_main(connect: Opener) -> None:
    db = connect()
    db.append(Placed("o-1", 1))
    react(db.branch("trial"), confirm)
    assert confirmed(db) == ["o-1"]
    assert confirmed(db.switch("trial")) == []


def test_a_store_that_was_put_back_delivers_nothing_until_somebody_looks(connect: Opener) -> None:
    db = connect()
    db.append(Placed("o-1", 1))
    react(db, confirm)
    keep = Keep(db.store, "confirm")
    keep.change(lambda now: replace(now, hash="ff" * 32))
    db.append(Placed("o-2", 1))
    react(db, confirm)
    assert at(db, "confirm").state == DIVERGED
    assert "it is another history" in at(db, "confirm").why
    assert confirmed(db) == ["o-1"]
    with pytest.raises(ProjectionError, match="confirm cannot go on: the log has no commit ffffffffff at #1"):
        operate.resume(confirm, db.store)


def test_the_checkpoints_of_reactions_stay_behind_in_a_clone(connect: Opener) -> None:
    db = connect()
    db.append(Placed("o-1", 1), Placed("o-2", -1))
    react(db, confirm)
    with closing(open_store("memory:")) as copy:
        clone(db.store, copy)
        assert not has_right(copy)
        assert dict(copy.refs.list("checkpoint/")) == dict(copy.refs.list("parked/")) == {}


def test_a_store_that_fails_while_it_writes_is_written_to_again_and_the_function_is_not_run_again(
    connect: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = connect()
    db.append(Placed("o-1", 1))
    write, left = db.store.write, [True]

    def lost(units: Any) -> Any:
        done = write(units)
        if left[0] and any(isinstance(step, Append) for unit in units for step in unit.steps):
            left[0] = False
            raise StoreLocked("the answer was lost")
        return done

    monkeypatch.setattr(db.store, "write", lost)
    react(db, confirm)
    assert (confirmed(db), len(SENT)) == (["o-1"], 1)
    assert at(db, "confirm").position == 1


@pytest.mark.anyio
async def test_reactions_run_beside_async_code(tmp_path: Path) -> None:
    async with aio.connect(str(tmp_path / "shop.db")) as db, db.run(confirm):
        await db.append(Placed("o-1", 1))
        async for record in db.follow(Confirmed, after=0):
            assert record.event.order == "o-1"
            break


def test_thousands_of_parked_events_hold_no_other_one_up(connect: Opener, kind: str, long: bool) -> None:
    if kind != "memory":
        pytest.skip("the same on each store, and quick on this one")

    @reaction(since="start", retries=1, partition="order")
    def fragile(event: Placed) -> Command | None:
        if event.cents == -1:
            raise ValueError("no")
        return note_confirmed(Order(event.order), cents=1)

    many = 10_000 if long else 1_000
    db = connect()
    db.append(*(Placed(f"bad-{number}", -1) for number in range(many)))
    react(db, fragile)
    db.append(Placed("bad-7", 1), Placed("good", 1))
    react(db, fragile)
    assert confirmed(db) == ["good"]
    assert len(operate.parked(fragile, db.store)) == many + 1
    operate.skip(fragile, db.store, 8, "gone")
    assert operate.retry(fragile, db.store, many + 1) == 1
    react(db, fragile)
    assert confirmed(db) == ["good", "bad-7"]
    mended = reaction(name="fragile", since="start", partition="order")(notes_any)
    assert operate.retry(mended, db.store) == many - 1
    react(db, mended)
    assert len(operate.parked(mended, db.store)) == 1
    assert len(confirmed(db)) == many + 1


def notes_any(event: Placed) -> Command:
    """The code of a reaction after it was mended."""
    return note_confirmed(Order(event.order), cents=1)
