"""The promise of a condition: no event after its position matches its query, for every form of query."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from backstory.conformance.model import wanted
from backstory.conformance.sample import FAR, decided, fact, fill, one, positions
from backstory.errors import AheadOfLog, Conflict
from backstory.store import Log, append
from backstory.values.event_data import EventData
from backstory.values.query import Clause, Query


class Shape(NamedTuple):
    """A query, events that match it, and events that nearly do."""

    query: Query
    match: tuple[EventData, ...]
    miss: tuple[EventData, ...]


SHAPES = {
    "one_type": Shape(
        Query.of(["A"]), (fact("A"), fact("A", "x:1")), (fact("B"), fact("a"), fact("AA"), fact("B", "A:1"))
    ),
    "several_types": Shape(Query.of(["A", "B"]), (fact("A"), fact("B", "x:1")), (fact("C"), fact("AB"))),
    "one_tag": Shape(
        Query.of(tags=["x:1"]),
        (fact("A", "x:1"), fact("B", "w:0", "x:1", "y:2")),
        (fact("A"), fact("A", "x:11"), fact("A", "x:2"), fact("x:1")),
    ),
    "several_tags": Shape(
        Query.of(tags=["x:1", "y:2"]),
        (fact("A", "x:1", "y:2"), fact("B", "y:2", "x:1", "z:3")),
        (fact("A", "x:1"), fact("A", "y:2"), fact("A", "x:2", "y:1"), fact("A")),
    ),
    "type_and_tag": Shape(
        Query.of(["A"], ["x:1"]),
        (fact("A", "x:1"), fact("A", "x:1", "y:2")),
        (fact("B", "x:1"), fact("A", "y:2"), fact("A")),
    ),
    "types_and_tags": Shape(
        Query.of(["A", "B"], ["x:1", "y:2"]),
        (fact("A", "x:1", "y:2"), fact("B", "x:1", "y:2")),
        (fact("C", "x:1", "y:2"), fact("A", "x:1"), fact("B", "y:2")),
    ),
    "two_clauses_with_tags": Shape(
        Query.of(["A"], ["x:1"]) | Query.of(["B"], ["y:2"]),
        (fact("A", "x:1"), fact("B", "y:2"), fact("B", "x:1", "y:2")),
        (fact("A", "y:2"), fact("B", "x:1"), fact("C", "x:1", "y:2")),
    ),
    "a_type_or_a_tag": Shape(
        Query.of(["A"]) | Query.of(tags=["x:1"]),
        (fact("A"), fact("B", "x:1"), fact("A", "x:1")),
        (fact("B"), fact("B", "y:2")),
    ),
    "clauses_that_overlap": Shape(
        Query.of(["A"]) | Query.of(["A", "B"], ["x:1"]) | Query.of(tags=["x:1", "y:2"]),
        (fact("A", "x:1", "y:2"), fact("B", "x:1"), fact("C", "x:1", "y:2")),
        (fact("B"), fact("C", "x:1"), fact("C", "y:2")),
    ),
    "many_clauses": Shape(
        Query(tuple(clause for number in range(40) for clause in Query.of(["A"], [f"x:{number}"]).clauses)),
        (fact("A", "x:0"), fact("A", "x:39"), fact("A", "x:3", "x:4")),
        (fact("A", "x:40"), fact("B", "x:3"), fact("A")),
    ),
    "unicode": Shape(
        Query.of(["Größe 𝄞"], ["stra\u00dfe:\u00e9"]),
        (fact("Größe 𝄞", "stra\u00dfe:\u00e9"),),
        (
            fact("Größe 𝄞", "stra\u00dfe:e\u0301"),
            fact("größe 𝄞", "stra\u00dfe:\u00e9"),
            fact("Größe 𝄞", "strasse:\u00e9"),
        ),
    ),
    "a_tag_inside_of_another": Shape(
        Query.of(["A"], ["x:1"]) | Query.of(["B"], ["y:2"]),
        (fact("A", 'w:"x:1', "x:1"), fact("B", 'w:"x:1', "y:2")),
        (
            fact("A", 'w:"x:1', "y:2"),
            fact("A", 'w:\\"x:1"'),
            fact("A", 'w:","x:1'),
            fact("B", 'w:"y:2', "x:1"),
        ),
    ),
    "every_event": Shape(Query.all(), (fact("A"), fact("B", "x:1")), ()),
    "no_event": Shape(Query.none(), (), (fact("A"), fact("B", "x:1"))),
    "every_event_and_more": Shape(Query((*Query.of(["A"]).clauses, *Query.all().clauses)), (fact("B"),), ()),
}

MANY = {
    "clauses": Query(tuple(Clause.of(tags=[f"n:{number}"]) for number in range(1_500))),
    "clauses_of_two_tags": Query(
        tuple(Clause.of(tags=[f"n:{number}", f"n:{number + 1}"]) for number in range(500))
    ),
    "clauses_of_types": Query(tuple(Clause.of([f"T{number}"]) for number in range(1_500))),
    "types": Query.of([f"T{number}" for number in range(1_500)]),
    "tags": Query.of(tags=[f"n:{number}" for number in range(1_500)]),
    "types_and_a_tag": Query.of([f"T{number}" for number in range(1_500)], ["n:3"]),
}
"""Queries that are too large for one look into an index."""

each_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
each_choosy_shape = pytest.mark.parametrize(
    "shape", [pytest.param(shape, id=name) for name, shape in SHAPES.items() if not shape.query.is_all]
)


class Shapes:
    """Sentences that hold for a query of any shape; each event that matches, or nearly, is in the way in turn."""

    @each_shape
    def test_an_event_that_matches_is_in_the_way(self, log: Log, shape: Shape) -> None:
        for event in shape.match:
            after = log.head().position
            one(log, event)
            [verdict] = log.append([[decided(query=shape.query, after=after)]])
            assert isinstance(verdict, Conflict), event
            assert positions(verdict.events) == [after + 1]

    @each_shape
    def test_an_event_that_does_not_match_is_not_in_the_way(self, log: Log, shape: Shape) -> None:
        for event in shape.miss:
            after = log.head().position
            one(log, event)
            [verdict] = log.append([[decided(fact("Z"), query=shape.query, after=after)]])
            assert isinstance(verdict, tuple), event

    @each_choosy_shape
    def test_an_event_far_behind_the_head_is_in_the_way(self, log: Log, shape: Shape) -> None:
        one(log, *shape.miss or [fact("Z")])
        after = log.head().position
        one(log, *shape.match or [fact("Z")])
        fill(log)
        one(log, *shape.miss or [fact("Z")])
        [verdict] = log.append([[decided(query=shape.query)]])
        if shape.match:
            assert isinstance(verdict, Conflict)
            assert positions(verdict.events) == [after + number for number in range(1, len(shape.match) + 1)]
        else:
            assert isinstance(verdict, tuple)

    @each_shape
    def test_an_event_up_to_the_position_is_not_in_the_way(self, log: Log, shape: Shape) -> None:
        fill(log)
        one(log, *shape.match or shape.miss)
        head = log.head().position
        assert positions(append(log, decided(fact("Z"), query=shape.query, after=head))) == [head + 1]

    @each_shape
    def test_reading_gives_exactly_the_events_that_match_each_once(self, log: Log, shape: Shape) -> None:
        for _ in range(2):
            one(log, *shape.match, *shape.miss)
            if not shape.query.is_all:
                fill(log)
        expected = [event.position for event in log.read() if shape.query.matches(event)]
        assert len(expected) == 2 * len(shape.match)
        assert positions(log.read(shape.query)) == expected
        assert positions(log.read(shape.query, backwards=True)) == expected[::-1]


class Conditions:
    """Sentences about positions and verdicts."""

    @pytest.mark.parametrize("query", MANY.values(), ids=MANY)
    def test_a_query_may_have_any_number_of_clauses_types_and_tags(self, log: Log, query: Query) -> None:
        all_tags = [f"n:{number}" for number in range(1_500)]
        one(
            log, fact("T1499", "n:3", "n:1499"), fact("A", "m:3", "N:3"), fact("T3", *all_tags), fact("T1500")
        )
        fill(log)
        one(log, fact("A", "n:0"), fact("T0", "n:1500"))
        expected = [event.position for event in log.read() if wanted(query, event)]
        assert expected
        assert positions(log.read(query)) == expected
        assert positions(log.read(query, backwards=True, limit=1)) == expected[-1:]
        [verdict] = log.append([[decided(query=query)]])
        assert isinstance(verdict, Conflict)
        assert positions(verdict.events) == expected
        after = log.head().position
        assert positions(append(log, decided(fact("Z"), query=query, after=after))) == [after + 1]

    def test_ten_thousand_clauses_are_read_and_judged(self, log: Log) -> None:
        one(log, fact("A", "n:9999"), fact("A", "m:1"), fact("B", "n:0"))
        query = Query(tuple(Clause.of(tags=[f"n:{number}"]) for number in range(10_000)))
        assert positions(log.read(query)) == [1, 3]
        [verdict] = log.append([[decided(query=query)]])
        assert isinstance(verdict, Conflict)
        assert positions(verdict.events) == [1, 3]

    def test_a_condition_on_an_empty_log_holds(self, log: Log) -> None:
        assert positions(append(log, decided(query=Query.all(), after=0))) == [1]

    def test_after_zero_means_never(self, log: Log) -> None:
        one(log, fact("A"))
        fill(log)
        [verdict] = log.append([[decided(query=Query.of(["A"]), after=0)]])
        assert isinstance(verdict, Conflict)

    def test_after_is_exclusive(self, log: Log) -> None:
        one(log, fact("A"), fact("A"), fact("B"))
        [second] = log.append([[decided(query=Query.of(["A"]), after=1)]])
        assert isinstance(second, Conflict)
        assert positions(append(log, decided(query=Query.of(["A"]), after=2))) == [4]

    def test_a_condition_at_the_head_holds(self, log: Log) -> None:
        one(log, fact("A"))
        assert positions(append(log, decided(query=Query.all(), after=1))) == [2]

    def test_a_condition_ahead_of_the_log_is_refused(self, log: Log) -> None:
        one(log)
        [verdict] = log.append([[decided(query=Query.of(["Nothing"]), after=2)]])
        assert isinstance(verdict, AheadOfLog)
        assert (verdict.after, verdict.head) == (2, 1)
        assert log.head().position == 1

    def test_a_condition_far_ahead_of_the_log_is_refused(self, log: Log) -> None:
        [verdict] = log.append([[decided(query=Query.none(), after=2**63)]])
        assert isinstance(verdict, AheadOfLog)

    def test_a_draft_may_be_decided_on_a_position_inside_its_own_batch(self, log: Log) -> None:
        one(log, fact("A"))
        batch = [decided(fact("A"), fact("A")), decided(fact("A"), query=Query.of(["A"]), after=3)]
        assert positions(append(log, *batch)) == [3, 4]

    def test_a_draft_cannot_be_decided_on_a_position_that_its_batch_has_not_reached(self, log: Log) -> None:
        one(log, fact("A"))
        for after, order in ((4, 1), (5, 1), (2, 0)):
            batch = [decided(fact("A"), fact("A"))]
            batch.insert(order, decided(fact("A"), query=Query.of(["A"]), after=after))
            [verdict] = log.append([batch])
            assert isinstance(verdict, AheadOfLog)
            assert (verdict.after, verdict.head) == (after, 1)

    def test_a_conflict_names_the_draft_its_condition_and_the_events(self, log: Log) -> None:
        one(log, fact("B"), fact("A", "x:1", data=b'{"n":1}'), fact("A", "x:2"))
        batch = [decided(), decided(query=Query.of(["B"]), after=1), decided(query=Query.of(["A"], ["x:1"]))]
        [verdict] = log.append([batch])
        assert isinstance(verdict, Conflict)
        assert verdict.draft == 2
        assert verdict.condition == batch[2].condition
        assert list(verdict.events) == list(log.read(Query.of(["A"], ["x:1"])))

    def test_a_conflict_names_the_first_events_in_the_way(self, log: Log) -> None:
        fill(log)
        one(log, *[fact("A", "x:1")] * FAR)
        [verdict] = log.append([[decided(query=Query.of(["A"]) | Query.of(tags=["x:1"]))]])
        assert isinstance(verdict, Conflict)
        named = positions(verdict.events)
        assert named == list(range(FAR + 1, FAR + 1 + len(named)))
        assert named

    def test_of_two_drafts_in_conflict_the_first_is_named(self, log: Log) -> None:
        one(log, fact("A"), fact("B"))
        [verdict] = log.append([[decided(), decided(query=Query.of(["B"])), decided(query=Query.of(["A"]))]])
        assert isinstance(verdict, Conflict)
        assert verdict.draft == 1

    def test_a_draft_without_a_condition_always_goes_in(self, log: Log) -> None:
        one(log, fact("A"))
        assert positions(append(log, decided(fact("A")), decided(fact("A"), query=Query.of(["B"])))) == [2, 3]

    def test_a_batch_that_was_refused_is_in_nobodys_way(self, log: Log) -> None:
        one(log, fact("A"))
        refused, after = decided(fact("B"), query=Query.of(["A"])), decided(query=Query.of(["B"]))
        first, second = log.append([[refused], [after]])
        assert isinstance(first, Conflict)
        assert isinstance(second, tuple)

    def test_what_one_call_appends_is_in_the_way_of_its_later_batches_however_large(self, log: Log) -> None:
        many = [fact("Filler", f"n:{number}") for number in range(FAR)]
        batches = [
            [decided(fact("A", "x:1"), *many)],
            [decided(*many)],
            [decided(query=Query.of(["A"], ["x:1"]))],
        ]
        *_, verdict = log.append(batches)
        assert isinstance(verdict, Conflict)
        assert positions(verdict.events) == [1]
