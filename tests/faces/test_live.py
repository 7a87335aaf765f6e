"""Following events and watching values: what is given, from where, and what ends it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from backstory import Database, Query
from backstory.errors import HistoryMoved, ProjectionError, StoreClosed
from backstory.live import CaughtUp, Live
from backstory.place import Place
from backstory.store import Store
from tests.faces.conftest import Face
from tests.patience import PATIENCE
from tests.projections.shop import ALL, OrderPaid, OrderPlaced, Orders
from tests.state.bank import Account, Deposited, Withdrawn


def deposit(db: Database, cents: int, account: str = "a") -> Place:
    return Place.of(db.append(Deposited(account, cents)))


def test_a_follower_gets_each_event_once_and_is_told_each_time_that_it_has_caught_up(db: Database) -> None:
    deposit(db, 1)
    second = deposit(db, 2)
    events = db.follow(Deposited, after=0, caught_up=True)
    given = [next(events) for _ in range(3)]
    assert [one.event.cents for one in given[:2] if not isinstance(one, CaughtUp)] == [1, 2]
    assert given[2] == CaughtUp(second)
    db.append(Withdrawn("a", 1))
    last = deposit(db, 3)
    third = next(events)
    assert not isinstance(third, CaughtUp)
    assert third.event.cents == 3
    assert next(events) == CaughtUp(last)


def test_a_follower_without_a_place_begins_at_the_end(db: Database) -> None:
    place = deposit(db, 1)
    events = db.follow(caught_up=True)
    assert next(events) == CaughtUp(place)
    deposit(db, 2)
    record = next(events)
    assert not isinstance(record, CaughtUp)
    assert record.event == Deposited("a", 2)


def test_a_state_comes_as_it_is_now_and_after_each_change(db: Database) -> None:
    place = deposit(db, 1)
    values = db.watch(Account("a"))
    seen = next(values)
    assert (seen.value.balance, seen.place, seen.position) == (1, place, 1)
    deposit(db, 5, "b")
    place = deposit(db, 2)
    assert next(values).value.balance == 3
    again = db.watch(Account("a"), after=place)
    deposit(db, 4)
    assert next(again).value.balance == 7


def test_whoever_is_slow_gets_the_last_value_only(db: Database) -> None:
    values, records = db.watch(Account("a"), after=0), db.watch(Deposited, after=0)
    for cents in range(1, 6):
        deposit(db, cents)
    db.append(Withdrawn("b", 1))
    assert next(values).value.balance == 15
    assert next(records).value.event.cents == 5
    deposit(db, 6)
    assert next(values).value.balance == 21
    assert next(records).value.event.cents == 6


@pytest.mark.parametrize("what", [Deposited | Withdrawn, "test.withdrawn", Query.of(["test.withdrawn"])])
def test_the_last_event_of_some_is_watched_by_class_name_or_query(db: Database, what: str) -> None:
    deposit(db, 1)
    records = db.watch(what, tags=["account:a"] if not isinstance(what, Query) else ())
    db.append(Withdrawn("a", 2))
    assert next(records).value.event == Withdrawn("a", 2)


def test_a_place_of_another_history_is_refused(db: Database) -> None:
    deposit(db, 1)
    for unknown in ("1-0f3a9c1b", "9-0f3a9c1b"):
        with pytest.raises(HistoryMoved, match=unknown):
            next(db.follow(after=unknown))
        with pytest.raises(HistoryMoved, match=unknown):
            next(db.watch(Account("a"), after=unknown))


def test_a_branch_is_watched_and_refused_where_it_was_moved_away(db: Database) -> None:
    deposit(db, 1)
    trial = db.branch("trial")
    deposit(trial, 2)
    values = trial.watch(Account("a"))
    assert next(values).value.balance == 3
    deposit(db, 10)
    db.switch("trial").rebase("main")
    with pytest.raises(HistoryMoved):
        next(values)
    again = db.switch("trial").watch(Account("a"))
    assert next(again).value.balance == 13
    with db.what_if() as guess:
        deposit(guess, 1)
        assert next(guess.watch(Account("a"))).value.balance == 12


def test_rows_of_a_projection_come_when_they_are_others(db: Database) -> None:
    first = db.append(OrderPlaced("o-1", 5))
    rows = db.watch(Orders, ALL)
    with db.run(Orders):
        seen = next(rows)
        assert seen.value == [("o-1", 5, "placed")]
        assert seen.place == Place.of(first)
        unpaid = db.watch(Orders, "SELECT id FROM orders WHERE status = ?", ("placed",), after=seen.place)
        db.append(OrderPlaced("o-2", 1))
        assert next(rows).value[1:] == [("o-2", 1, "placed")]
        assert next(unpaid).value == [("o-1",), ("o-2",)]
        db.append(OrderPaid("o-1"))
        assert next(unpaid).value == [("o-2",)]


def test_rows_of_an_inline_projection_are_watched(face: Face, store: Store) -> None:
    db = face(Database(store, inline=[Orders]))
    rows = db.watch(Orders, ALL, into=lambda *row: row[0])
    assert next(rows).value == []
    db.append(OrderPlaced("o-1", 5))
    assert next(rows).value == ["o-1"]
    with pytest.raises(ProjectionError, match="follow main"):
        next(db.branch("trial").watch(Orders, ALL))


WAYS: list[Callable[[Database], Live[Any]]] = [
    lambda db: db.follow(),
    lambda db: db.watch(Account("a"), after=0),
    lambda db: db.watch(Orders, ALL),
]


@pytest.mark.parametrize("way", WAYS)
def test_closing_the_database_ends_those_who_wait(
    face: Face, store: Store, way: Callable[..., Live[Any]]
) -> None:
    db = face(Database(store))
    items = way(db)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(items.__next__)
        db.close()
        with pytest.raises(StoreClosed):
            waiting.result(PATIENCE)


@pytest.mark.parametrize("way", WAYS)
def test_in_sync_code_stop_ends_it_and_a_block_leaves_nothing(
    store: Store, way: Callable[..., Live[Any]]
) -> None:
    db = Database(store)
    with way(db) as items, ThreadPoolExecutor(1) as pool:
        ended = pool.submit(list, items)
        items.stop()
        assert ended.result(PATIENCE) == []
        assert next(items, None) is None
    db.close()
    assert not [one for one in threading.enumerate() if one.name in ("backstory watch", "backstory tables")]
