"""Readers go on with a history: what they load is remembered for their scope alone, and they see what is new."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from backstory import Database, Event, State, Tag, command
from backstory.errors import HistoryMoved, OutOfScope, StoreRefused
from backstory.history.merge.merge import Options
from backstory.history.merge.replay import Resolution
from backstory.history.refs.standing import Standings
from backstory.place import Place
from backstory.scope import Scope, scoped
from backstory.scope.database import KEPT
from backstory.store import Record, Store
from tests.scope.shop import Noted, Order, Paid, Placed, shop

MINE = Scope(tags=("order:o-1",))


class Signed(State):
    """Who has paid: it asks for the authors of commits, so it is another state for each reader."""

    order: Tag[str]
    authors: list[str] = []
    snapshot_every: ClassVar[int] = 1

    def apply(self, event: Placed | Paid, record: Record[Event]) -> None:
        self.authors.append(record.author)


@pytest.fixture
def db(store: Store) -> Database:
    """A shop in a store of each kind."""
    return shop(store)


def test_a_snapshot_of_everything_reaches_no_reader_and_a_readers_state_nobody_else(db: Database) -> None:
    whole = db.load(Signed("o-1")).authors
    assert whole == ["ann", "planted-bob", "ann", "ann"]
    assert db.store.caches.names()
    for _ in range(2):
        assert scoped(db, MINE).load(Signed("o-1")).authors == ["ann", "", "ann", "ann"]
        assert scoped(db, Scope()).load(Signed("o-1")).authors == whole
        assert db.load(Signed("o-1")).authors == whole
    for name in db.store.caches.names():
        assert b'""' not in (db.store.caches.get(name) or b"")


def test_a_reader_of_everything_uses_the_snapshots_of_the_store_and_keeps_none(db: Database) -> None:
    seen = scoped(db, Scope())
    seen.load(Signed("o-1"))
    assert not db.store.caches.names()
    db.load(Signed("o-1"))
    assert seen.store.caches.names() == db.store.caches.names()


def test_a_reader_sees_what_is_new(db: Database) -> None:
    seen = scoped(db, MINE)
    assert seen.load(Order("o-1")).due == 393
    db.append(Paid("planted-o-2", 1))
    db.append(Paid("o-1", 93))
    assert seen.load(Order("o-1")).due == scoped(db, MINE).load(Order("o-1")).due == 300
    assert seen.head() == db.head()


def test_a_reader_follows_what_is_in_scope(db: Database) -> None:
    seen = scoped(db, MINE)
    with seen.follow(after=6) as events:
        db.append(Paid("planted-o-2", 1), Paid("o-1", 2), author="planted-x")
        record = next(events)
    assert (record.event, record.author, record.position) == (Paid("o-1", 2), "", 9)
    with seen.watch(Order("o-1")) as values:
        assert next(values).value.due == 391
        db.append(Paid("o-1", 91))
        assert next(values).value.due == 300
    with pytest.raises(OutOfScope):
        next(seen.watch(Order("planted-o-2")))


def test_a_place_means_for_a_reader_what_it_means_for_everybody(db: Database) -> None:
    seen = scoped(db, MINE)
    for commit in db.commits():
        place = str(Place.of(commit))
        assert [one.position for one in seen.read(after=place)] == [
            one.position for one in seen.read() if one.position > commit.position
        ]
    with pytest.raises(HistoryMoved):
        seen.commits(after="2-00000000")


@command(name="scope.pay-elsewhere")
def pay_elsewhere(order: Order) -> Iterator[Paid]:
    yield Paid("o-1" if order.due == 393 else "planted-o-2", 1)


@pytest.mark.parametrize("way", ["redecide", "skip"])
def test_a_decision_that_a_merge_made_elsewhere_or_left_out_is_not_ahead(
    db: Database, way: Resolution
) -> None:
    plan = db.branch("plan")
    plan.execute(pay_elsewhere(Order("o-1")), id="plan-1")
    db.append(Paid("o-1", 1))
    [step] = db.merge("plan", Options(resolution=way)).steps
    assert step.outcome == {"redecide": "changed", "skip": "skipped"}[way]
    seen = scoped(db, MINE)
    for one in (db, seen):
        assert Standings(one.branches).of(one.branches.get("plan")).ahead == 0
    if way == "redecide":
        assert list(seen.between("main..plan")) == list(db.between("main..plan")) == []


def test_a_reader_may_look_at_a_branch_in_memory(db: Database) -> None:
    with db.what_if() as trial:
        trial.append(Paid("o-1", 1), Noted("planted-o-2", "planted words"), author="planted-x")
        seen = scoped(trial, MINE)
        assert seen.load(Order("o-1")).due == 392
        assert [commit.author for commit in seen.commits()][-1] == ""
        with pytest.raises(StoreRefused):
            seen.append(Paid("o-1", 1))


def test_what_is_remembered_of_readers_is_bounded() -> None:
    db = shop()
    first = scoped(db, MINE).store
    assert scoped(db, MINE).store is first
    for number in range(KEPT):
        assert scoped(db, Scope(tags=(f"order:{number}",))).handle.lines.cache.limit <= (
            db.handle.lines.cache.limit // KEPT
        )
    assert scoped(db, MINE).store is not first


def test_scopes_that_say_the_same_are_one_scope() -> None:
    assert Scope(tags=("b:1", "a:*", "b:1")) == Scope(tags=("a:*", "b:1"))
    assert Scope(tags=()) != Scope()
    assert Scope().is_whole
    assert not Scope(hidden=("email",)).is_whole


def test_a_scope_of_no_tag_or_no_type_shows_nothing(db: Database) -> None:
    for scope in (Scope(tags=()), Scope(types=())):
        seen = scoped(db, scope)
        assert [*seen.read(), *seen.commits(), *seen.types(), *seen.tags()] == []
        assert seen.head() == db.head()


def test_a_reader_cannot_be_asked_to_make_another_reader(db: Database) -> None:
    with pytest.raises(OutOfScope):
        scoped(scoped(db, MINE), Scope())
