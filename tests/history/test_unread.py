"""A commit that changed more than it had read is found, with the events that its decision did not look at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstory import Database, Event, State, Tag, command
from backstory.history.ask.entities import identities
from backstory.history.ask.unread import LOOKED, SHOWN, uncovered, unread
from backstory.history.compare.diff import diff_states
from backstory.history.forget.withholding import withhold
from backstory.store import Log, Store, append
from backstory.stores.memory import MemoryStore
from backstory.values.codec import PLAIN
from backstory.values.commit import Commit, draft
from backstory.values.query import Condition, Query


class Paid(Event, name="unread.paid"):
    order: Tag[str]
    cents: int


class Refunded(Event, name="unread.refunded"):
    order: Tag[str]
    request: Tag[str]
    cents: int


class Asked(Event, name="unread.asked"):
    request: Tag[str]


class Order(State):
    order: Tag[str]
    paid: int = 0
    refunded: int = 0

    def apply(self, event: Paid | Refunded) -> None:
        if isinstance(event, Paid):
            self.paid += event.cents
        else:
            self.refunded += event.cents


class Request(State):
    request: Tag[str]
    asked: bool = False
    done: int = 0

    def apply(self, event: Asked | Refunded) -> None:
        if isinstance(event, Asked):
            self.asked = True
        else:
            self.done += 1


class Pair(State):
    order: Tag[str]
    request: Tag[str]
    paid: int = 0
    refunds: int = 0

    def apply(self, event: Paid | Refunded) -> None:
        if isinstance(event, Paid):
            self.paid += event.cents
        else:
            self.refunds += self.paid


STATES: list[type[State]] = [Order, Request, Pair]


@command(name="unread.retry")
def retry(request: Request, order: str, cents: int) -> Iterator[Refunded]:
    yield Refunded(order, request.request, cents)


@command(name="unread.careful")
def careful(request: Request, order: Order, cents: int) -> Iterator[Refunded]:
    yield Refunded(order.order, request.request, cents)


@pytest.fixture
def db(store: Store) -> Database:
    """An order that was paid and paid back once."""
    db = Database(store)
    db.append(Paid("o-1", 900))
    db.append(Refunded("o-1", "r-1", 900))
    db.append(Asked("r-2"))
    return db


def told(db: Database, commit: Commit | str) -> list[tuple[str, tuple[str, ...], list[int]]]:
    """The orders of which a commit changed more than it had read."""
    found = unread(db.log, commit if isinstance(commit, Commit) else named(db, commit), STATES)
    return [
        (each.reference.order, each.fields, [event.position for event in each.events])
        for each in found
        if isinstance(each.reference, Order)
    ]


def named(db: Database, id: str) -> Commit:
    commit = db.point(id).commit
    assert commit is not None
    return commit


def test_a_decision_that_did_not_look_at_what_it_changed_is_found(db: Database) -> None:
    db.execute(retry(Request("r-2"), order="o-1", cents=900), id="twice")
    assert told(db, "twice") == [("o-1", ("/refunded",), [2])]
    assert [each.fields for each in db.unread("twice") if isinstance(each.reference, Order)] == [
        ("/refunded",)
    ]
    db.append(Refunded("o-1", "r-9", 1))
    assert told(db, "twice") == [("o-1", ("/refunded",), [2])]


def test_a_decision_that_read_it_and_a_field_that_nothing_else_changed_are_not(db: Database) -> None:
    db.execute(careful(Request("r-2"), Order("o-1"), cents=900), id="careful")
    db.execute(retry(Request("r-3"), order="o-2", cents=1), id="first")
    db.append(Paid("o-3", 5))
    db.execute(retry(Request("r-4"), order="o-3", cents=1), id="other field")
    assert told(db, "careful") == told(db, "first") == told(db, "other field") == []


def test_nothing_is_known_without_a_condition_or_with_a_withheld_query(db: Database) -> None:
    db.append(Refunded("o-1", "r-5", 1), id="fact")
    db.execute(retry(Request("r-2"), order="o-1", cents=900), id="twice")
    assert told(db, "fact") == []
    withhold(db.branches, named(db, "twice"), ["query"])
    assert told(db, "twice") == []


def test_a_branch_has_its_own_history(db: Database) -> None:
    trial = db.branch("trial", at=1)
    trial.execute(retry(Request("r-2"), order="o-1", cents=900), id="tried")
    assert told(trial, "tried") == []
    trial.execute(retry(Request("r-2"), order="o-1", cents=900), id="again")
    db.append(Paid("o-1", 1))
    assert [each.events for each in db.unread("again") if isinstance(each.reference, Order)] == [
        each.events for each in trial.unread("again") if isinstance(each.reference, Order)
    ]


def test_of_many_events_the_last_are_given(db: Database) -> None:
    for number in range(LOOKED + 10):
        db.append(Refunded("o-1", f"r-{number + 10}", 1))
    db.execute(retry(Request("r-2"), order="o-1", cents=900), id="twice")
    [found] = unread(db.log, named(db, "twice"), [Order])
    before = named(db, "twice").first - 1
    assert [event.position for event in found.events] == list(range(before, before - SHOWN, -1))
    assert found.more


def test_a_query_covers_what_all_of_its_tags_and_types_cover() -> None:
    needed = Query.of(["A", "B"], ["x:1", "y:1"])
    assert uncovered(needed, Query.of(["A"], ["x:1"])) == Query.of(["B"], ["x:1", "y:1"])
    for read in (Query.all(), Query.of(tags=["y:1"]), Query.of(["A"], ["x:1"]) | Query.of(["B"]), needed):
        assert uncovered(needed, read) == Query.none()
    assert uncovered(needed, Query.of(tags=["x:1", "z:1"])) == needed


numbers = st.integers(1, 2)
events = st.one_of(
    st.builds(Paid, numbers.map(str), numbers),
    st.builds(Refunded, numbers.map(str), numbers.map(str), numbers),
    st.builds(Asked, numbers.map(str)),
)
QUERIES = [
    Query.of(["unread.paid"], ["order:1"]),
    Query.of(tags=["order:1"]),
    Query.of(["unread.refunded", "unread.asked"], ["request:1"]),
    Query.of(["unread.refunded"], ["order:1", "request:1"]) | Query.of(["unread.asked"]),
    Query.none(),
]


@given(st.lists(events, max_size=12), st.lists(events, min_size=1, max_size=3), st.sampled_from(QUERIES))
def test_what_is_found_is_what_looking_at_each_event_finds(
    earlier: list[Event], own: list[Event], query: Query
) -> None:
    log = MemoryStore().log()
    time = Database(MemoryStore()).append(Asked("x")).time
    for number, event in enumerate(earlier):
        append(log, draft([PLAIN.encode(event)], id=f"e{number}", time=time))
    condition = Condition(query, log.head().position)
    [commit] = append(log, draft(list(map(PLAIN.encode, own)), id="it", time=time, condition=condition))
    for cls in STATES:
        found = {repr(one.reference): one for one in unread(log, commit, [cls])}
        assert {name: [event.position for event in one.events] for name, one in found.items()} == {
            repr(reference): positions[:SHOWN]
            for reference in identities(log, cls)
            if (positions := by_each_event(log, commit, reference))
        }


def by_each_event(log: Log, commit: Commit, reference: State) -> list[int]:
    assert commit.condition is not None
    changed = {
        one.path[0] for one in diff_states(log, commit.first - 1, log, commit.position, reference).changes
    }
    return [
        event.position
        for event in log.read(reference.query(), upto=commit.first - 1, backwards=True)
        if not commit.condition.query.matches(event)
        and changed.intersection(
            one.path[0]
            for one in diff_states(log, event.position - 1, log, event.position, reference).changes
        )
    ]
