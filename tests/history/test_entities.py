"""Entities are found by their tags, also where an event names only a part of an identity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstory import Event, State, Tag
from backstory.decide.latest import Latest
from backstory.errors import DefinitionError, ExpressionError
from backstory.history.ask.bisect import first_of_all
from backstory.history.ask.diff_all import diff_all, diff_all_between
from backstory.history.ask.search import Hit, commits_with, commits_with_any
from backstory.history.compare.diff import diff, diff_states
from backstory.store import Log
from tests.history.shop import Cart, commits, extend, filled, log_of, shop_logs


class Opened(Event):
    course: Tag[int]
    places: int


class Holiday(Event):
    days: int


class Enrolled(Event):
    course: Tag[int]
    student: Tag[str]


class Enrolment(State):
    course: Tag[int]
    student: Tag[str]
    places: int = 0
    days: int = 0
    enrolled: int = 0
    everywhere = (Holiday,)

    def apply(self, event: Opened | Enrolled | Holiday) -> None:
        match event:
            case Opened(places=places):
                self.places = places
            case Holiday(days=days):
                self.days += days
            case Enrolled():
                self.enrolled += 1


class Lonely(State):
    course: Tag[int]
    student: Tag[str]
    places: int = 0

    def apply(self, event: Opened) -> None:
        self.places = event.places


courses = st.integers(0, 2)
school = st.lists(
    st.one_of(
        st.builds(Opened, courses, st.integers(0, 3)),
        st.builds(Holiday, st.integers(0, 2)),
        st.builds(Enrolled, courses, st.sampled_from("xy")),
    ),
    max_size=15,
).map(lambda events: log_of(*([event] for event in events)))


def known(log: Log, upto: int) -> list[Enrolment]:
    found = {record.tags: None for record in log.read(upto=upto) if record.type == "Enrolled"}
    return [
        Enrolment(int(tags[0].removeprefix("course:")), tags[1].removeprefix("student:")) for tags in found
    ]


@given(school, st.data())
def test_diff_of_all_is_the_diff_of_each_that_is_known(log: Log, data: st.DataObject) -> None:
    head = log.head().position
    a, b = data.draw(st.integers(0, head)), data.draw(st.integers(0, head))
    expected = {
        repr(reference): difference.changes
        for reference in known(log, max(a, b))
        if (difference := diff_states(log, a, log, b, reference))
    }
    assert {repr(one.reference): one.difference.changes for one in diff_all(log, a, b, Enrolment)} == expected


@given(school, st.integers(0, 5))
def test_the_first_event_that_breaks_any_is_the_first_of_each(log: Log, limit: int) -> None:
    head = log.head().position
    found = first_of_all(log, Enrolment, lambda state: state.days + state.places > limit)
    naive = next(
        (
            position
            for position in range(1, head + 1)
            for reference in known(log, position)
            if (state := filled(log, reference, position)).days + state.places > limit
            and next(log.read(reference.query(), after=position - 1, upto=position), None) is not None
        ),
        None,
    )
    assert (None if found is None else found.record.position) == naive


@given(commits(12), commits(8), commits(8))
def test_two_logs_with_a_common_base(base: Any, one: Any, other: Any) -> None:
    log_a, log_b = log_of(*base, *one), log_of(*base, *other)
    shared = log_of(*base).head().position
    at_a, at_b = log_a.head().position, log_b.head().position
    expected = {
        name: difference.changes
        for name in "ab"
        if (difference := diff(filled(log_a, Cart(name)), filled(log_b, Cart(name))))
    }
    found = {
        one.reference.cart: one.difference.changes  # type: ignore[attr-defined]
        for one in diff_all_between(log_a, at_a, log_b, at_b, shared, Cart)
    }
    assert found == expected


@given(shop_logs())
def test_search_of_all_is_the_search_of_each(log: Log) -> None:
    for cls, references in ((Cart, [Cart("a"), Cart("b")]), (Latest, [Latest("cart:a"), Latest("cart:b")])):
        path = "status" if cls is Cart else "sku"
        value = "closed" if cls is Cart else "a"
        found = hits(commits_with_any(log, cls, path, value))
        each = [hit for one in references for hit in hits(commits_with(log, one, path, value))]
        assert found == sorted(each)


def hits(found: Iterator[Hit]) -> list[tuple[int, str, bool]]:
    """The hits of a search; none of one for a field that no event has."""
    try:
        return sorted((hit.commit, repr(hit.reference), hit.again) for hit in found)
    except ExpressionError:
        return []


def test_tags_that_a_field_could_not_have_written_are_no_entities() -> None:
    from backstory.values.event_data import EventData

    log = log_of(
        [EventData("Enrolled", 1, ("course:x", "student:y"), b'{"course":1,"student":"y"}')],
        [Enrolled(7, "y")],
    )
    assert [one.reference for one in diff_all(log, 0, 2, Enrolment)] == [Enrolment(7, "y")]


def test_a_class_whose_entities_no_event_names_is_refused() -> None:
    with pytest.raises(DefinitionError, match="no event that Lonely applies has all of course, student"):
        list(diff_all(log_of(), 0, 0, Lonely))


def test_an_entity_that_goes_back_is_found_again() -> None:
    from tests.history.shop import Arranged

    log = log_of(*([Arranged("a", how)] for how in ("closed", "reset", "closed", "closed")))
    hits = list(commits_with(log, Cart("a"), "/status", "closed"))
    assert [(hit.commit, hit.again) for hit in hits] == [(1, False), (3, True)]
    extend(log, [Arranged("a", "reset"), Arranged("a", "closed")])
    assert len(list(commits_with(log, Cart("a"), "status", "closed"))) == 2, "a commit counts as a whole"
    assert [hit.commit for hit in commits_with(log, Cart("a"), "status", "closed", after=2)] == [3]
