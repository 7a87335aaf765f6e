"""Subscriptions on both faces: what is given, and again, and in which order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from msgspec.structs import replace

from backstory import Database
from backstory.errors import DefinitionError, ProjectionError, StoreRefused
from backstory.live import Live
from backstory.place import Place
from backstory.reactions.keep import AGAIN, Keep
from backstory.reactions.lanes import Delivery
from backstory.right import give_up, take
from backstory.store import Store
from tests.faces.conftest import Face
from tests.state.bank import Deposited, Withdrawn


@pytest.fixture(autouse=True)
def reacting(store: Store) -> None:
    """The store may react."""
    take(store)


def deposit(db: Database, *cents: int, account: str = "a") -> None:
    for each in cents:
        db.append(Deposited(account, each))


def subscribed(db: Database, **options: Any) -> Live[Delivery]:
    """A subscription to deposits, for the length of a block."""
    all_of_them: dict[str, Any] = {"after": 0, **options}
    return db.subscribe("crm", Deposited, **all_of_them)


def test_what_is_done_is_never_given_again_and_the_rest_is(db: Database) -> None:
    deposit(db, 1, 2, 3, 4)
    with subscribed(db) as events:
        first, second, third = (next(events) for _ in range(3))
        assert [each.event.cents for each in (first, second, third)] == [1, 2, 3]
        first.done()
        third.done()
    with subscribed(db) as events:
        again = [next(events) for _ in range(3)]
        assert [each.event.cents for each in again] == [2, 3, 4]
        for each in again:
            each.done()
    with subscribed(db) as events:
        deposit(db, 5)
        assert next(events).event.cents == 5


def test_it_begins_at_the_end_unless_it_is_told_otherwise(db: Database, store: Store) -> None:
    deposit(db, 1)
    Keep(store, "crm").begin(db.head())
    deposit(db, 2)
    with subscribed(db, after=0) as events:  # it has begun: that is for the first time only
        assert next(events).event.cents == 2
    place = str(Place.of(db.append(Deposited("a", 3))))
    deposit(db, 4)
    with db.subscribe("other", Deposited, after=place) as events:
        assert next(events).event.cents == 4


def test_events_of_one_key_come_in_order_and_others_do_not_wait(db: Database) -> None:
    deposit(db, 1, 2)
    deposit(db, 3, account="b")
    with subscribed(db, partition="account") as events:
        first, other = next(events), next(events)
        assert (first.event.cents, first.key, other.event.cents) == (1, "a", 3)
        first.later(0.01)
        again = next(events)
        assert (again.event.cents, again.tries) == (1, 1)
        again.done()
        assert next(events).event.cents == 2


def test_a_parked_event_keeps_later_ones_of_its_key_back_until_they_are_tried_again(
    db: Database, store: Store
) -> None:
    deposit(db, 1, 2)
    deposit(db, 3, account="b")
    with subscribed(db, partition="account", partitions=1) as events:
        next(events).park("it fails")
        next(events).done()
        deposit(db, 4)
        deposit(db, 5, account="b")
        five = next(events)
        assert five.event.cents == 5
        five.done()
    keep = Keep(store, "crm")
    keep.look()
    parked = keep.parked()
    assert [(each.position, each.why) for each in parked.values()] == [
        (1, "it fails"),
        (2, "an earlier event of the same key"),
        (4, "an earlier event of the same key"),
    ]
    steps = [keep.parking(replace(each, state=AGAIN), each) for each in parked.values()]
    keep.change(lambda at: replace(at, changes=at.changes + 1), *steps)
    with subscribed(db, partition="account", partitions=1) as events:
        for cents in (1, 2, 4):
            each = next(events)
            assert each.event.cents == cents
            each.done()
        deposit(db, 6)
        assert next(events).event.cents == 6
    assert keep.parked() == {}


def test_no_more_are_given_than_may_be_open(db: Database) -> None:
    deposit(db, 1, 2, 3)
    with subscribed(db, most=2) as events:
        first, second = next(events), next(events)
        second.done()
        assert next(events).event.cents == 3
        first.done()


def test_two_consumers_share_the_partitions(db: Database) -> None:
    def more() -> None:
        db.append(*[Deposited(str(number), 1) for number in range(40)])

    options = {"partition": "account", "partitions": 4, "lease": 0.6}
    with ThreadPoolExecutor(1) as pool, subscribed(db, **options) as one, subscribed(db, **options) as other:
        more()
        next(one).done()
        waiting = pool.submit(other.__next__)
        while not waiting.done():
            more()
            for _ in range(5):
                next(one).done()
        assert waiting.result().event.cents == 1


def test_a_lease_of_somebody_who_died_is_over_after_its_time(db: Database, store: Store) -> None:
    deposit(db, 1)
    keep = Keep(store, "crm")
    keep.begin(db.head())
    assert keep.take("who died", 0.2)
    deposit(db, 2)
    with subscribed(db, lease=0.2) as events:
        assert next(events).event.cents == 2


def test_a_subscription_is_refused_that_cannot_be(db: Database, store: Store) -> None:
    with subscribed(db, partition="account", partitions=2) as events:
        deposit(db, 1)
        next(events).done()
    with (
        subscribed(db, partition="account") as events,
        pytest.raises(ProjectionError, match="has 2 partitions"),
    ):
        next(events)
    for wrong in ({"partitions": 2}, {"most": 0}, {"lease": 0}):
        with pytest.raises(DefinitionError):
            db.subscribe("crm", **wrong)  # type: ignore[arg-type]
    with pytest.raises(DefinitionError, match="cannot be the name"):
        db.subscribe("Crm 1")
    give_up(store)
    with (
        subscribed(db, partition="account", partitions=2) as events,
        pytest.raises(StoreRefused, match="does not react"),
    ):
        next(events)


def test_an_event_that_is_not_asked_for_moves_nothing(face: Face, store: Store) -> None:
    db = face(Database(store))
    with subscribed(db) as events:
        deposit(db, 1)
        next(events).done()
        db.append(Withdrawn("a", 1))
        deposit(db, 2)
        assert next(events).event.cents == 2
    assert Keep(store, "crm").look().position == 1  # type: ignore[union-attr]
