"""Queries as an algebra."""

from __future__ import annotations

from functools import reduce
from operator import or_

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstory.errors import InvalidEvent, InvalidTag
from backstory.values.event_data import EventData
from backstory.values.query import Clause, Query, from_json, matcher, to_json, union

TYPES = st.sampled_from(["A", "B", "C"])
TAGS = st.sampled_from(["x:1", "x:2", "y:1"])
CLAUSES = st.builds(Clause.of, st.lists(TYPES, max_size=2), st.lists(TAGS, max_size=2))
QUERIES = st.builds(Query, st.lists(CLAUSES, max_size=4).map(tuple))
EVENTS = st.builds(
    EventData, TYPES, st.just(1), st.lists(TAGS, unique=True).map(sorted).map(tuple), st.just(b"{}")
)


@given(QUERIES, QUERIES, EVENTS)
def test_or_matches_what_either_matches(left: Query, right: Query, event: EventData) -> None:
    assert (left | right).matches(event) == (left.matches(event) or right.matches(event))


@given(QUERIES, QUERIES, QUERIES)
def test_or_has_one_form_whatever_the_order(a: Query, b: Query, c: Query) -> None:
    assert a | b == b | a
    assert (a | b) | c == a | (b | c)
    assert (a | a) | a == a | a
    assert a | Query.none() == a | a
    assert a | Query.all() == Query.all()


@given(QUERIES, EVENTS)
def test_a_query_matches_what_its_definition_says(query: Query, event: EventData) -> None:
    expected = any(
        (not clause.types or event.type in clause.types) and set(clause.tags) <= set(event.tags)
        for clause in query.clauses
    )
    assert query.matches(event) is expected
    assert any(clause.matches(event.type, event.tags) for clause in query.clauses) is expected
    assert matcher(query)(event.type, event.tags) is expected


@given(st.lists(CLAUSES.filter(lambda clause: clause != Clause()), min_size=12, max_size=40), EVENTS)
def test_a_matcher_of_many_clauses_says_the_same_as_its_query(
    clauses: list[Clause], event: EventData
) -> None:
    query = Query(tuple(clauses))
    assert matcher(query)(event.type, event.tags) is query.matches(event)


@given(st.lists(QUERIES, min_size=2, max_size=5))
def test_a_union_is_one_or_after_the_other(queries: list[Query]) -> None:
    assert union(queries) == reduce(or_, queries)


@given(QUERIES)
def test_a_union_of_one_query_is_that_query_and_of_none_matches_nothing(query: Query) -> None:
    assert union([query]) is query
    assert union([]) == Query.none()


@given(QUERIES)
def test_a_query_comes_back_from_its_text(query: Query) -> None:
    assert from_json(to_json(query)) == query


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)))
def test_any_text_may_be_a_type_of_a_query(types: list[str]) -> None:
    query = Query.of(types)
    assert from_json(to_json(query)) == query


@given(EVENTS)
def test_all_matches_every_event_and_the_empty_query_none(event: EventData) -> None:
    assert Query.all().matches(event)
    assert not Query.none().matches(event)
    assert Query.all().is_all
    assert not Query.none().is_all
    assert Query((*Query.of(["A"]).clauses, Clause())).is_all


def test_a_query_without_a_clause_is_refused_because_others_read_it_as_every_event() -> None:
    with pytest.raises(TypeError, match=r"Query.all\(\) is every event, Query.none\(\) is no event"):
        Query()
    assert Query.none() == Query(()) != Query.all()


def test_a_clause_is_sorted_and_has_each_once() -> None:
    assert Clause.of(["B", "A", "B"], ["y:1", "x:1", "y:1"]) == Clause(("A", "B"), ("x:1", "y:1"))


def test_or_joins_the_types_of_clauses_with_the_same_tags() -> None:
    assert Query.of(["A"], ["x:1"]) | Query.of(["B"], ["x:1"]) == Query.of(["A", "B"], ["x:1"])
    assert Query.of(["A"], ["x:1"]) | Query.of(tags=["x:1"]) == Query.of(tags=["x:1"])


def test_one_text_instead_of_a_list_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="lists"):
        Query.of("A")
    with pytest.raises(InvalidEvent, match="lists"):
        Query.of(tags="x:1")


@pytest.mark.parametrize("type", ["", "a\0", "\ud800"])
def test_a_type_that_no_event_has_is_refused(type: str) -> None:
    with pytest.raises(InvalidEvent):
        Query.of([type])


@pytest.mark.parametrize("tag", ["", "x", ":1", "x:", "x:\0", "x:\ud800"])
def test_a_tag_that_no_event_has_is_refused(tag: str) -> None:
    with pytest.raises(InvalidTag):
        Query.of(tags=[tag])
