"""Subscriptions on each kind of store: consumers that die, pauses, and many threads."""

from __future__ import annotations

import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

import backstory
from backstory import Event, Tag, reaction
from backstory.errors import DefinitionError
from backstory.outbox import Jsonl
from backstory.projections.catalog import LEFT_OUT, PAUSED, RUNNING, Parked
from backstory.reactions import operate, subscription
from backstory.reactions.asked import asking
from backstory.reactions.keep import Keep
from backstory.reactions.subscription import Consumer
from backstory.values.event_types import event_type
from backstory.values.query import Query
from tests.patience import PATIENCE, until
from tests.reactions.conftest import Opener


class Sold(Event, name="subscription.sold"):
    article: Tag[str]
    number: int


@pytest.fixture(autouse=True)
def known_events(own_definitions: None) -> None:
    """The event keeps its name in spite of other modules."""
    from backstory.values.event import definitions

    definitions[event_type(Sold).name] = Sold


def test_consumers_that_end_at_any_time_give_each_event_and_those_of_a_key_in_order(connect: Opener) -> None:
    seen: dict[str, list[int]] = defaultdict(list)
    lock, left = threading.Lock(), threading.Semaphore(60)

    def consume() -> None:
        db = connect()
        while left.acquire(blocking=False):
            with db.subscribe("crm", Sold, partition="article", partitions=2, after=0, lease=5) as events:
                for each in events:
                    with lock:
                        seen[each.event.article].append(each.event.number)
                    each.done()
                    if each.event.number % 7 == 3:
                        break  # and is given to the next one if that is not kept yet
                    if len(seen) == 5 and all(numbers[-1] == 19 for numbers in seen.values()):
                        return

    db = connect()
    for number in range(20):
        db.append(*[Sold(article, number) for article in "abcde"])
    with ThreadPoolExecutor(1) as pool:
        pool.submit(consume).result()
    for numbers in seen.values():
        assert list(dict.fromkeys(numbers)) == list(range(20))


def test_a_paused_subscription_gives_nothing_until_it_is_resumed(connect: Opener) -> None:
    db = connect()
    keep = Keep(db.store, "crm")
    keep.begin(db.head())
    keep.change(lambda at: replace(at, state=PAUSED))
    db.append(Sold("a", 1))
    with db.subscribe("crm", Sold, lease=0.3) as events, ThreadPoolExecutor(1) as pool:
        given = pool.submit(events.__next__)
        until(lambda: events.reader._looked)  # type: ignore[attr-defined]
        assert not given.done()
        keep.change(lambda at: replace(at, state=RUNNING))
        assert given.result().event.number == 1


def test_a_subscription_that_is_resumed_while_an_event_is_out_goes_on(connect: Opener) -> None:
    db = connect()
    db.append(Sold("a", 1), Sold("a", 2))
    with db.subscribe("crm", Sold, partition="article", partitions=1, after=0, lease=0.3) as events:
        first, keep = next(events), Keep(db.store, "crm")
        keep.change(lambda at: replace(at, state=PAUSED))
        with ThreadPoolExecutor(1) as pool:
            given = pool.submit(events.__next__)
            try:
                until(lambda: any(part.leaving for part in list(events.reader._parts.values())))  # type: ignore[attr-defined]
                keep.change(lambda at: replace(at, state=RUNNING))
                first.done()
                assert given.result(PATIENCE).event.number == 2
            finally:
                events.stop()


def test_an_event_that_was_left_out_before_it_was_read_is_not_given(connect: Opener) -> None:
    db = connect()
    keep = Keep(db.store, "crm")
    keep.begin(db.head())
    keep.change(lambda at: replace(at, changes=1), keep.parking(Parked(1, "", "a test", LEFT_OUT, 0)))
    db.append(Sold("a", 1), Sold("a", 2))
    with db.subscribe("crm", Sold) as events:
        assert next(events).event.number == 2


@pytest.mark.parametrize(
    "wrong",
    [{"lease": 0}, {"lease": float("inf")}, {"lease": float("nan")}, {"lease": 1e9}, {"partitions": 0}],
)
def test_a_subscription_that_nobody_can_have_is_refused(wrong: dict[str, Any]) -> None:
    with backstory.connect("memory:") as db, pytest.raises(DefinitionError):
        db.subscribe("crm", Sold, partition="article", **wrong)


@pytest.mark.parametrize("lease", [0, -1, float("inf"), float("nan"), 1e9])
def test_nothing_runs_with_a_lease_that_nobody_can_hold(lease: float) -> None:
    @reaction
    def noted(event: Sold) -> None: ...

    for thing in (noted, Jsonl("archive", "never.jsonl")):
        with backstory.connect("memory:") as db, pytest.raises(DefinitionError, match="a lease is longer"):
            db.run(thing, lease=lease)


def test_a_subscription_with_too_many_open_events_says_so_until_it_goes_on(
    connect: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "BUFFER", 2)
    monkeypatch.setattr(subscription, "CHUNK", 2)
    db = connect()
    db.append(*[Sold("a", number) for number in range(5)])
    keep = Keep(db.store, "crm")
    consumer = Consumer(
        db.views.source, asking("crm", Query.of([event_type(Sold).name]), "article", 1, 0, 100, 60.0)
    )

    def why() -> str:
        consumer._keep_all()
        at = keep.look()
        assert at is not None
        return at.why

    [first] = consumer.take()
    assert "events are not over" in why()
    [told] = operate.subscription(db.store, "crm")
    now = datetime.now(UTC)
    assert operate.standing(told, db.store, db.views.source, now).why == subscription.FULL
    first.done()
    for number in range(1, 5):
        [each] = consumer.take()
        assert each.event.number == number
        each.done()
    assert list(consumer.take()) == []
    assert (why(), keep.at.position) == ("", 5)
    consumer.close()
