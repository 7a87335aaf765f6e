"""Processes and deadlines: due once, never after they were cancelled, whoever runs them and whatever the clock says."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest

from backstory import Database, Tag
from backstory import connect as connect_memory
from backstory.errors import DefinitionError
from backstory.reactions import operate
from backstory.reactions.deadlines import DeadlineCancelled, DeadlineDue, Deadlines, DeadlineSet
from backstory.reactions.process import Cancel, Deadline, Due, Process, Step, process_type, react
from backstory.stores.memory import MemoryStore
from backstory.transfer import cloudevent_lines, load, read_jsonl
from backstory.transfer.source import InputFile
from backstory.values.event_types import event_type
from backstory.values.query import Query
from tests.patience import until
from tests.reactions.conftest import Opener
from tests.reactions.shop import Cancelled, Order, Paid, Payment, Placed, confirm

START = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def run(db: Database, *things: Any) -> None:
    """Run them until nothing is left to do."""
    db.run(*things or (Payment,)).run(once=True)


def begun(connect: Opener, clock: Clock) -> Database:
    """A database in which payment has begun."""
    db = connect(clock=clock)
    run(db)
    return db


def cancelled(db: Database) -> list[str]:
    """The orders that were cancelled, in order."""
    return [record.event.order for record in db.read(Cancelled)]


def count(db: Database, event: type[Any]) -> int:
    """How many of these events there are."""
    return len(list(db.read(event)))


def test_what_nobody_pays_is_cancelled_when_its_time_has_come(connect: Opener, clock: Clock) -> None:
    db = begun(connect, clock)
    db.append(Placed("o-1", 1))
    db.append(Placed("o-2", 1))
    run(db)
    clock.passes(days=1)
    db.append(Paid("o-2"))
    run(db)
    clock.passes(days=1, hours=23)
    run(db)
    assert cancelled(db) == []
    clock.passes(hours=1)
    run(db)
    run(db)
    assert cancelled(db) == ["o-1"]
    assert (count(db, DeadlineSet), count(db, DeadlineCancelled), count(db, DeadlineDue)) == (2, 1, 1)
    due = next(db.read(DeadlineDue))
    assert (due.event.name, due.event.of, due.event.due) == (
        "unpaid",
        {"order": "o-1"},
        START + timedelta(days=3),
    )
    assert db.load(Order("o-1")).status == "cancelled"
    assert next(db.read(Cancelled)).event.why == "not paid by 2026-01-04"


def test_what_is_due_while_nobody_runs_is_due_at_the_next_run(connect: Opener, clock: Clock) -> None:
    db = begun(connect, clock)
    db.append(Placed("o-1", 1))
    clock.passes(days=30)
    db.append(Placed("o-2", 1))
    run(db)
    assert cancelled(db) == ["o-1"]
    assert next(db.read(DeadlineDue)).event.due == START + timedelta(days=3)


def test_a_deadline_counts_from_when_the_event_was_decided(connect: Opener, clock: Clock) -> None:
    db = begun(connect, clock)
    clock.passes(days=30)
    db.append(Placed("o-1", 1), at=START + timedelta(days=28))
    run(db)
    assert [record.event.due for record in db.read(DeadlineSet)] == [START + timedelta(days=31)]
    clock.passes(hours=23)
    run(db)
    assert cancelled(db) == []
    clock.passes(hours=1)
    run(db)
    assert cancelled(db) == ["o-1"]


def test_what_came_in_after_its_deadline_is_due_at_once(connect: Opener, clock: Clock) -> None:
    db = begun(connect, clock)
    clock.passes(days=30)
    db.append(Placed("o-2", 1))
    db.append(Placed("o-1", 1), at=START)
    run(db)
    assert cancelled(db) == ["o-1"]


@pytest.mark.parametrize("thing", [Payment, confirm], ids=["process", "reaction"])
def test_who_waits_for_what_is_no_projection_is_told_how(thing: Any) -> None:
    with connect_memory() as db, pytest.raises(DefinitionError, match=r"run\(once=True\)"):
        db.wait(thing)


def test_it_is_due_by_the_clock_while_it_runs(connect: Opener, clock: Clock) -> None:
    db = connect(clock=clock)
    with db.run(Payment):
        db.append(Placed("o-1", 1))
        until(lambda: count(db, DeadlineSet))
        clock.passes(days=3)
        until(lambda: cancelled(db) == ["o-1"])


def test_a_clock_that_is_set_back_makes_nothing_due_again(connect: Opener, clock: Clock) -> None:
    db = begun(connect, clock)
    db.append(Placed("o-1", 1))
    clock.passes(days=3)
    run(db)
    clock.passes(days=-2)
    run(db)
    clock.passes(days=4)
    run(db)
    assert count(db, DeadlineDue) == 1


def test_one_that_is_cancelled_in_the_same_instant_is_cancelled_or_due_and_never_both(
    connect: Opener, clock: Clock
) -> None:
    db = begun(connect, clock)
    for number in range(8):
        db.append(Placed(f"o-{number}", 1))
    run(db)
    clock.passes(days=3)
    begin = threading.Barrier(2)

    def settle() -> None:
        begin.wait()
        for number in range(8):
            db.append(Paid(f"o-{number}"))

    thread = threading.Thread(target=settle)
    thread.start()
    begin.wait()
    run(db)
    thread.join()
    run(db)
    ended = [record.event.deadline for record in db.read(DeadlineDue | DeadlineCancelled)]
    assert len(ended) == len(set(ended)) == 8


def test_two_runners_make_it_due_once(connect: Opener, clock: Clock) -> None:
    db = begun(connect, clock)
    for number in range(5):
        db.append(Placed(f"o-{number}", 1))
    run(db)
    clock.passes(days=3)
    with db.run(Payment), db.run(Payment):
        until(lambda: len(cancelled(db)) == 5)
    assert count(db, DeadlineDue) == 5


def test_to_set_it_again_moves_it(connect: Opener, clock: Clock) -> None:
    class Reminder(Process):
        order: Tag[str]

        def apply(self, event: Placed) -> None: ...

        @react
        def placed(self, event: Placed) -> Iterator[Step]:
            yield Deadline("remind", at=clock.now + timedelta(hours=event.cents))

        @react
        def remind(self, due: Due) -> None: ...

    db = connect(clock=clock)
    run(db, Reminder)
    db.append(Placed("o-1", 1))
    db.append(Placed("o-1", 5))
    db.append(Placed("o-1", 5))
    run(db, Reminder)
    assert count(db, DeadlineSet) == 2
    clock.passes(hours=2)
    run(db, Reminder)
    assert count(db, DeadlineDue) == 0
    clock.passes(hours=3)
    run(db, Reminder)
    db.append(Placed("o-1", 0))
    run(db, Reminder)
    assert count(db, DeadlineDue) == 2


def test_many_are_due_at_once(connect: Opener, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backstory.reactions.deadlines.TOGETHER", 10)
    db = begun(connect, clock)
    db.append(*(Placed(f"o-{number}", 1) for number in range(25)))
    run(db)
    deadlines = Deadlines(process_type(Payment))
    deadlines.follow(db.views.source)
    assert (len(deadlines), deadlines.overdue(clock())) == (25, 0)
    clock.passes(days=3)
    assert deadlines.overdue(clock()) == 25
    run(db)
    assert len(cancelled(db)) == len(set(cancelled(db))) == 25
    deadlines.follow(db.views.source)
    assert len(deadlines) == 0


def test_a_process_that_fails_is_parked_by_its_identity(connect: Opener, clock: Clock) -> None:
    class Fragile(Process):
        policy = Payment.policy.__class__(retries=1, since="start")
        order: Tag[str]

        def apply(self, event: Placed) -> None: ...

        @react
        def placed(self, event: Placed) -> Iterator[Step]:
            if event.cents == -1:
                raise ValueError("no")
            yield Cancel("never")

        @react
        def never(self, due: Due) -> None: ...

    db = connect(clock=clock)
    for order, cents in (("a", -1), ("b", 1), ("a", 1)):
        db.append(Placed(order, cents))
    run(db, Fragile)
    parked = operate.parked(process_type(Fragile), db.store)
    assert [(one.position, one.key) for one in parked] == [(1, "a"), (3, "a")]
    found = operate.standing(process_type(Fragile), db.store, db.views.source, clock())
    assert (found.name, found.kind, found.parked) == ("fragile", "process", 2)


def test_what_cannot_be_a_process_is_refused() -> None:
    class Idle(Process):
        order: Tag[str]

        def apply(self, event: Placed) -> None: ...

    with pytest.raises(DefinitionError, match="has no method with @react, so it is a State"):
        process_type(Idle)
    with pytest.raises(DefinitionError, match="is async"):

        @react
        async def later(self: Any, event: Placed) -> None: ...


def test_a_deadline_without_a_method_is_a_mistake_in_words(connect: Opener, clock: Clock) -> None:
    class Hasty(Process):
        policy = Payment.policy.__class__(retries=1, since="start")
        order: Tag[str]

        def apply(self, event: Placed) -> None: ...

        @react
        def placed(self, event: Placed) -> Iterator[Step]:
            yield Deadline("soon", after=timedelta(hours=1), at=START if event.cents else None)

        @react
        def some(self, due: Due) -> None: ...

    db = connect(clock=clock)
    db.append(Placed("a", 1))
    run(db, Hasty)
    [parked] = operate.parked(process_type(Hasty), db.store)
    assert (
        "names a deadline 'soon', and no method with @react and a Due has this name; it has some"
        in parked.why
    )


def test_an_export_as_cloudevents_leaves_deadlines_behind_and_is_imported_again(
    connect: Opener, clock: Clock
) -> None:
    db = begun(connect, clock)
    db.append(Placed("o-1", 1))
    run(db)
    assert count(db, DeadlineSet) == 1
    lines = list(cloudevent_lines(db.log, source="urn:shop"))
    report = load(
        MemoryStore().log(), read_jsonl(InputFile("shop.jsonl", BytesIO(b"".join(lines))), key=b"k" * 32)
    )
    assert (report.events, report.skipped) == (1, 0)
    set_types = Query.of([event_type(DeadlineSet).name])
    assert len(list(cloudevent_lines(db.log, query=set_types))) == 1


def test_the_clock_of_a_what_if_makes_nothing_due_in_main(connect: Opener, clock: Clock) -> None:
    db = begun(connect, clock)
    db.append(Placed("o-1", 1))
    run(db)
    with db.what_if(clock=lambda: START + timedelta(days=4)) as trial:
        run(trial)
        assert count(trial, DeadlineDue) == count(db, DeadlineDue) == 0
    clock.passes(days=3)
    run(db)
    assert cancelled(db) == ["o-1"]
