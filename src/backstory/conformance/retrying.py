"""The promises of an id: a retry is safe for ever, and an id never means two things."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from backstory.conformance.sample import decided, fact, fill, ids, one, positions
from backstory.errors import Conflict, IdReused
from backstory.store import Log, append
from backstory.values.commit import AUTHOR, COMMAND, DATA, MESSAGE, METADATA, QUERY, Draft, withheld
from backstory.values.query import Query

OTHER: dict[str, Callable[[], Draft]] = {
    "events": lambda: decided(fact("A", "x:1"), fact("A"), id="pay-1"),
    "type": lambda: decided(fact("B", "x:1"), id="pay-1"),
    "tags": lambda: decided(fact("A", "x:2"), id="pay-1"),
    "data": lambda: decided(fact("A", "x:1", data=b"{ }"), id="pay-1"),
    "author": lambda: decided(fact("A", "x:1"), id="pay-1", author="ann"),
    "message": lambda: decided(fact("A", "x:1"), id="pay-1", message="again"),
    "command": lambda: decided(fact("A", "x:1"), id="pay-1", command={}),
    "metadata": lambda: decided(fact("A", "x:1"), id="pay-1", metadata={"a": 1}),
    "condition": lambda: decided(fact("A", "x:1"), id="pay-1", query=Query.of(["A"])),
}
"""Drafts that are not the commit `pay-1`, by the part that differs."""


class Retrying:
    """Sentences about commit ids."""

    def test_a_retry_returns_the_recorded_commits_and_appends_nothing(self, log: Log) -> None:
        drafts = [decided(fact("A"), fact("B")), decided()]
        first = append(log, *drafts)
        assert append(log, *drafts) == first
        assert log.head().position == 3

    def test_a_retry_may_carry_a_later_time(self, log: Log) -> None:
        first = append(log, decided(id="pay-1"))
        assert append(log, decided(id="pay-1", at=3600)) == first

    def test_a_retry_may_be_decided_on_a_later_position(self, log: Log) -> None:
        first = append(log, decided(fact("A"), id="pay-1", query=Query.of(["A"]), after=0))
        assert append(log, decided(fact("A"), id="pay-1", query=Query.of(["A"]), after=1)) == first

    def test_a_retry_may_have_another_secret(self, log: Log) -> None:
        first = append(log, decided(fact("A"), fact("B"), id="pay-1", author="ann", secret=bytes(16)))
        retry = decided(fact("A"), fact("B"), id="pay-1", author="ann", secret=bytes(range(16)))
        assert append(log, retry) == first

    @pytest.mark.parametrize("places", [(AUTHOR,), (DATA + 1,), (MESSAGE, COMMAND, METADATA, QUERY, DATA)])
    def test_a_retry_is_known_by_its_other_parts_where_some_are_withheld(
        self, log: Log, places: tuple[int, ...]
    ) -> None:
        def made(last: str) -> Draft:
            return decided(
                fact("A", "x:1"),
                fact(last),
                id="pay-1",
                query=Query.of(["N"]),
                author="ann",
                message="why",
                command={"a": 1},
                metadata={"b": 2},
            )

        first = append(log, withheld(made("B"), places))
        assert append(log, made("B")) == first
        [verdict] = log.append([[made("C")]])
        assert isinstance(verdict, IdReused)
        assert list(log.commits()) == list(first)

    def test_a_retry_is_known_however_much_came_between(self, log: Log) -> None:
        first = append(log, decided(id="pay-1"))
        fill(log)
        assert append(log, decided(id="pay-1")) == first

    def test_a_retry_is_not_judged_again(self, log: Log) -> None:
        draft = decided(fact("A"), query=Query.of(["A"]))
        first = append(log, draft)
        one(log, fact("A"))
        assert append(log, draft) == first

    def test_a_retry_in_the_same_call_is_known(self, log: Log) -> None:
        draft = decided(query=Query.all())
        first, second = log.append([[draft], [draft]])
        assert first == second
        assert positions(log.read()) == [1]

    @pytest.mark.parametrize("part", OTHER)
    def test_an_id_cannot_be_used_again_for_other(self, log: Log, part: str) -> None:
        [commit] = append(log, decided(fact("A", "x:1"), id="pay-1"))
        [verdict] = log.append([[OTHER[part]()]])
        assert isinstance(verdict, IdReused)
        assert verdict.id == "pay-1"
        assert list(log.commits()) == [commit]

    def test_an_id_cannot_be_used_again_in_another_batch(self, log: Log) -> None:
        known = decided()
        append(log, known)
        new = decided()
        [verdict] = log.append([[known, new]])
        assert isinstance(verdict, IdReused)
        assert verdict.id == known.id
        assert log.find(new.id) == []

    def test_a_batch_is_judged_by_the_ids_before_it_and_not_by_those_of_a_later_one(self, log: Log) -> None:
        new, known = decided(fact("A")), decided(fact("B"))
        append(log, known)
        first, second = log.append([[new, known], [new]])
        assert isinstance(first, IdReused)
        assert first.id == known.id
        assert isinstance(second, tuple)
        assert positions(log.read()) == [1, 2]

    def test_an_id_cannot_stand_twice_in_one_batch(self, log: Log) -> None:
        draft = decided()
        [verdict] = log.append([[draft, draft]])
        assert isinstance(verdict, IdReused)
        assert verdict.id == draft.id
        assert list(log.read()) == []

    def test_a_part_of_a_batch_can_be_retried_alone(self, log: Log) -> None:
        drafts = [decided(), decided(), decided()]
        commits = append(log, *drafts)
        assert append(log, drafts[1]) == commits[1:2]

    def test_the_id_of_a_batch_that_was_refused_is_free(self, log: Log) -> None:
        one(log, fact("A"))
        [verdict] = log.append([[decided(fact("A"), id="pay-1", query=Query.of(["A"]))]])
        assert isinstance(verdict, Conflict)
        assert ids(append(log, decided(fact("B"), id="pay-1"))) == ["pay-1"]

    def test_ids_that_look_alike_are_different_ids(self, log: Log) -> None:
        alike = [
            "a",
            "A",
            "a ",
            " a",
            "á",
            "a\u0301",
            "a%",
            "a_",
            "a*",
            "'a'",
            '"a"',
            "0",
            "00",
            "0.0",
            "é" * 200,
        ]
        append(log, *(decided(fact(f"E{number}"), id=id) for number, id in enumerate(alike)))
        for number, id in enumerate(alike):
            found = [commit for commit in log.find(id) if commit.id == id]
            assert positions(found) == [number + 1]
