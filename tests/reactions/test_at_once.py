"""A reaction that works at several events at once, one that is async, and the lease while it works."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from itertools import count
from typing import Any

import pytest

from backstory import Command, Database, aio
from backstory.errors import DefinitionError
from backstory.projections.catalog import PAUSED
from backstory.reactions import operate
from backstory.reactions.declare import Delivery, reaction
from backstory.reactions.keep import Keep
from backstory.testing import given
from tests.patience import PATIENCE, until
from tests.reactions.conftest import Opener
from tests.reactions.shop import Confirmed, Order, Placed, note_confirmed


class Desk:
    """A reaction that confirms orders, whose function waits for whoever opens an order."""

    def __init__(self, concurrency: int = 3) -> None:
        self.begun: list[int] = []
        self.wrong: set[int] = set()
        self._open: dict[int, threading.Event] = {}

        @reaction(since="start", partition="order", retries=2, concurrency=concurrency)
        def desk(event: Placed, delivery: Delivery) -> Iterator[Command]:
            self.begun.append(event.cents)
            assert self._event(event.cents).wait(PATIENCE)
            if event.cents in self.wrong:
                raise ValueError("no mail for this one")
            yield note_confirmed(Order(event.order), cents=event.cents)

        self.reaction = desk

    def _event(self, cents: int) -> threading.Event:
        return self._open.setdefault(cents, threading.Event())

    def let(self, *cents: int) -> None:
        """Let the function end at these."""
        for each in cents:
            self._event(each).set()

    def close(self, *cents: int) -> None:
        """Let it wait again at these."""
        for each in cents:
            self._event(each).clear()


def confirmed(db: Database) -> list[int]:
    """What was confirmed, in order."""
    return [record.event.cents for record in db.read(Confirmed)]


def at(db: Database, name: str = "desk") -> Any:
    """The checkpoint."""
    return Keep(db.store, name).look()


def test_it_works_at_several_events_at_once_and_they_are_over_in_the_order_of_the_log(
    connect: Opener,
) -> None:
    db, desk = connect(), Desk()
    db.append(Placed("a", 1), Placed("b", 2), Placed("c", 3), Placed("d", 4))
    with db.run(desk.reaction):
        until(lambda: desk.begun == [1, 2, 3])
        desk.let(2, 3)
        until(lambda: len(desk.begun) == 3)
        assert (confirmed(db), at(db).position) == ([], 0)
        desk.let(1, 4)
        until(lambda: at(db).position == 4)
    assert confirmed(db) == [1, 2, 3, 4]
    assert desk.begun == [1, 2, 3, 4]


def test_an_event_waits_for_the_earlier_ones_of_its_key(connect: Opener) -> None:
    db, desk = connect(), Desk()
    db.append(Placed("a", 1), Placed("b", 2), Placed("a", 3))
    with db.run(desk.reaction):
        until(lambda: desk.begun == [1, 2])
        desk.let(2)
        assert desk.begun == [1, 2]
        desk.let(1)
        until(lambda: desk.begun == [1, 2, 3])
        assert 1 in confirmed(db)
        desk.let(3)
        until(lambda: confirmed(db) == [1, 2, 3])


def test_what_comes_while_it_works_begins_too(connect: Opener) -> None:
    db, desk = connect(), Desk(2)
    with db.run(desk.reaction):
        db.append(Placed("a", 1))
        until(lambda: desk.begun == [1])
        db.append(Placed("b", 2))
        until(lambda: desk.begun == [1, 2])
        desk.let(1, 2)
        until(lambda: confirmed(db) == [1, 2])


def test_one_that_fails_is_parked_with_its_key_and_the_others_run_once(connect: Opener) -> None:
    db, desk = connect(), Desk()
    desk.wrong.add(1)
    desk.let(1, 2, 3, 4)
    db.append(Placed("a", 1), Placed("b", 2), Placed("a", 3), Placed("c", 4))
    with db.run(desk.reaction):
        until(lambda: at(db).position == 4)
    assert confirmed(db) == [2, 4]
    assert [one.position for one in operate.parked(desk.reaction, db.store)] == [1, 3]
    assert sorted(desk.begun) == [1, 1, 2, 4]
    desk.wrong.clear()
    operate.retry(desk.reaction, db.store)
    db.run(desk.reaction).run(once=True)
    assert confirmed(db) == [2, 4, 1, 3]


def test_what_is_to_be_tried_again_while_another_one_is_tried_is_tried_too(connect: Opener) -> None:
    db, desk = connect(), Desk(1)
    desk.wrong |= {1, 2}
    desk.let(1, 2)
    db.append(Placed("a", 1), Placed("b", 2))
    db.run(desk.reaction).run(once=True)
    assert len(operate.parked(desk.reaction, db.store)) == 2
    desk.wrong.clear()
    desk.close(1, 2)
    desk.begun.clear()
    with db.run(desk.reaction, lease=0.5):
        operate.retry(desk.reaction, db.store, 1)
        until(lambda: desk.begun == [1])
        operate.retry(desk.reaction, db.store, 2)
        first = at(db)
        until(lambda: at(db).until > first.until)  # the thread that holds the lease has seen it
        desk.let(1, 2)
        until(lambda: confirmed(db) == [1, 2])


def test_what_has_begun_is_written_where_the_block_ends(connect: Opener) -> None:
    db, desk = connect(), Desk()
    db.append(Placed("a", 1), Placed("b", 2), Placed("c", 3), Placed("d", 4))
    runner = db.run(desk.reaction)
    runner.__enter__()
    until(lambda: desk.begun == [1, 2, 3])
    runner.stop()
    desk.let(1, 2, 3, 4)
    runner.__exit__()
    assert (confirmed(db), desk.begun) == ([1, 2, 3], [1, 2, 3])
    assert (at(db).position, at(db).owner) == (3, "")
    db.run(desk.reaction).run(once=True)
    assert (confirmed(db), desk.begun) == ([1, 2, 3, 4], [1, 2, 3, 4])


def test_a_pause_lets_end_what_has_begun(connect: Opener) -> None:
    db, desk = connect(), Desk(2)
    db.append(Placed("a", 1), Placed("b", 2), Placed("c", 3))
    with db.run(desk.reaction):
        until(lambda: desk.begun == [1, 2])
        operate.pause(desk.reaction, db.store)
        desk.let(1, 2, 3)
    assert (confirmed(db), desk.begun, at(db).state) == ([1, 2], [1, 2], PAUSED)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_who_lost_the_lease_meanwhile_writes_nothing(connect: Opener, concurrency: int) -> None:
    db, desk = connect(), Desk(concurrency)
    db.append(Placed("a", 1))
    with db.run(desk.reaction):
        until(lambda: desk.begun == [1])
        other = Keep(db.store, "desk", clock=lambda: 1e12)
        assert other.take("other", 60)
        desk.let(1)
    assert (confirmed(db), at(db).owner) == ([], "other")
    other.release()
    db.run(desk.reaction).run(once=True)
    assert (confirmed(db), desk.begun) == ([1], [1, 1])


@pytest.mark.parametrize("concurrency", [1, 2])
def test_the_lease_is_held_for_as_long_as_the_function_works(connect: Opener, concurrency: int) -> None:
    db, desk = connect(), Desk(concurrency)
    db.append(Placed("a", 1))
    with db.run(desk.reaction, lease=0.5):
        until(lambda: desk.begun == [1])
        first = at(db)
        until(lambda: at(db).until > first.until + 0.5)
        assert at(db).epoch == first.epoch
        desk.let(1)
        until(lambda: confirmed(db) == [1])
    assert desk.begun == [1]


def test_the_number_is_checked_where_it_is_defined() -> None:
    with pytest.raises(DefinitionError, match="works at 1 event at once at least, not at 0"):
        Desk(0)
    with pytest.raises(DefinitionError, match="at_most_once notes each try"):
        reaction(concurrency=2, at_most_once=True)(lambda event: None)


@reaction(since="start", partition="order")
async def note(event: Placed, order: Order) -> Command:
    """Is awaited, and returns a command."""
    await asyncio.sleep(0)
    return note_confirmed(Order(event.order), cents=order.cents)


@reaction(since="start", partition="order")
async def note_each(event: Placed, order: Order) -> AsyncIterator[Command]:
    """Gives its commands one by one."""
    await asyncio.sleep(0)
    yield note_confirmed(Order(event.order), cents=order.cents)
    await asyncio.sleep(0)
    yield note_confirmed(Order(event.order), cents=order.cents + 1)


def test_a_reaction_may_be_async(connect: Opener) -> None:
    db = connect()
    db.append(Placed("a", 1), Placed("b", 2))
    db.run(note).run(once=True)
    assert confirmed(db) == [1, 2]
    db.run(note_each).run(once=True)
    assert confirmed(db) == [1, 2, 1, 2, 2, 3]


def test_coroutines_that_work_at_once_share_one_event_loop(connect: Opener) -> None:
    loops: set[int] = set()
    numbers = count(1)
    both = asyncio.Event()

    @reaction(since="start", concurrency=2)
    async def meet(event: Placed) -> None:
        loops.add(id(asyncio.get_running_loop()))
        if next(numbers) == 2:
            both.set()
        await asyncio.wait_for(both.wait(), PATIENCE)

    db = connect()
    db.append(Placed("a", 1), Placed("b", 2))
    with db.run(meet):
        until(lambda: at(db, "meet").position == 2)
    assert len(loops) == 1
    assert operate.parked(meet, db.store) == []


def test_an_async_reaction_that_raises_is_tried_again_and_parked(connect: Opener) -> None:
    attempts: list[int] = []

    @reaction(since="start", retries=2)
    async def wrong(event: Placed, delivery: Delivery) -> None:
        attempts.append(delivery.attempt)
        raise ValueError("no mail")

    db = connect()
    db.append(Placed("a", 1))
    with db.run(wrong):
        until(lambda: operate.parked(wrong, db.store))
    assert attempts == [1, 2]


def test_the_async_face_runs_async_reactions_too() -> None:
    async def main() -> None:
        async with aio.connect("memory:") as db, db.run(note):
            await db.append(Placed("a", 1))
            async for record in db.follow(Confirmed, after=0):
                assert record.event.cents == 1
                break

    asyncio.run(main())


def test_an_async_reaction_is_tested_like_any_other_also_within_an_event_loop() -> None:
    given(Placed("a", 1)).running(note).then(Confirmed("a", 1))

    async def main() -> None:
        given(Placed("a", 1)).running(note_each).then(Confirmed("a", 1), Confirmed("a", 2))

    asyncio.run(main())
