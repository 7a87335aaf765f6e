"""Bisect is a linear scan said quickly; halving asks as few as can be and never names a commit that was judged good."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstory import connect
from backstory.decide.latest import Latest
from backstory.errors import ExpressionError
from backstory.history.ask.bisect import (
    Looked,
    StateTurn,
    Turn,
    first,
    looking_for_first,
    looking_for_turns,
    turns_of_all,
)
from backstory.history.ask.bisect_run import Answer, Suspects, answer_of, halve, halving
from backstory.history.ask.entities import identities
from backstory.history.ask.expression import predicate
from backstory.store import Log
from tests.history.shop import Added, Cart, filled, log_of, shop_logs


def naive(log: Log, reference: Any, holds: Any, after: int = 0) -> list[tuple[int, bool]]:
    """Every turn, by folding again for each event."""
    query = reference.query()
    positions = [record.position for record in log.read(query, after=after)]
    before = bool(any(True for _ in log.read(query, upto=after)) and holds(filled(log, reference, after)))
    turns = []
    for position in positions:
        now = bool(holds(filled(log, reference, position)))
        if now is not before:
            turns.append((position, now))
        before = now
    return turns


@given(
    shop_logs(),
    st.integers(0, 10),
    st.sampled_from(["pieces % 2 == 1", "len(log) > 2", "'a' in by_sku", "1 == 1"]),
)
def test_turns_are_those_of_a_scan(log: Log, after: int, text: str) -> None:
    holds = predicate(text, Cart)
    found = first(log, Cart("a"), holds, after)
    expected = naive(log, Cart("a"), holds, after)
    assert [(turn.record.position, turn.holds) for turn in found.turns] == expected
    assert (found.first and found.first.position) == next(
        (position for position, now in expected if now), None
    )
    assert found.flipped == (len(expected) > 1)


@given(
    shop_logs(),
    st.integers(0, 10),
    st.integers(0, 40),
    st.sampled_from(["pieces % 2 == 1", "len(log) > 2", "'a' in by_sku", "1 == 1"]),
)
def test_turns_of_all_are_those_of_each_state_in_the_order_of_the_log(
    log: Log, after: int, upto: int, text: str
) -> None:
    holds = predicate(text, Cart)
    expected = sorted(
        (turn.record.position, turn.holds, reference.cart, before)
        for reference in identities(log, Cart)
        for turn, before in with_the_one_before(first(log, reference, holds, after, upto).turns)
    )
    turns = list(turns_of_all(log, Cart, holds, after, upto))
    assert sorted((*place(turn), turn.reference.cart, turn.since) for turn in turns) == expected  # type: ignore[attr-defined]
    assert [turn.record.position for turn in turns] == sorted(turn.record.position for turn in turns)
    for turn in turns:
        assert turn.state == filled(log, turn.reference, turn.record.position)


def place(turn: Turn | StateTurn) -> tuple[int, bool]:
    return turn.record.position, turn.holds


def with_the_one_before(turns: Iterable[Turn]) -> Iterator[tuple[Turn, int | None]]:
    before = None
    for turn in turns:
        yield turn, before
        before = turn.record.position


def test_turns_of_all_are_given_while_the_log_is_read() -> None:
    log = log_of(*([Added(str(number), "x", 1)] for number in range(5000)))
    read: list[int] = []

    def holds(cart: Cart) -> bool:
        read.append(cart.pieces)
        return cart.pieces > 0

    turning = turns_of_all(log, Cart, holds)
    assert [place(next(turning)) for _ in range(3)] == [(1, True), (2, True), (3, True)]
    assert len(read) == 3


def test_a_field_that_no_event_has_is_told_where_no_tag_turned() -> None:
    log = log_of([Added("a", "x", 1)])
    with pytest.raises(ExpressionError, match="no event has had a field 'pices'"):
        list(turns_of_all(log, Latest, predicate("pices > 1", Latest)))
    assert list(turns_of_all(log, Latest, predicate("count > 1", Latest))) == []


def test_data_needs_no_code() -> None:
    log = log_of([Added("a", "x", 1)], [Added("a", "x", 9)], [Added("a", "x", 2)])
    found = first(log, Latest("cart:a"), predicate("count > 5 and sku == 'x' and missing is None", Latest))
    assert found.first is not None
    assert found.first.position == 2
    assert [turn.record.position for turn in found.turns] == [2, 3]
    assert not found.holds


@given(st.data())
def test_halving_finds_the_first_bad_one_in_few_steps(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 200))
    bad = data.draw(st.integers(1, count))
    skipped = data.draw(st.sets(st.integers(1, max(1, count - 1)), max_size=5))
    asked = []

    def check(position: int) -> Answer:
        asked.append(position)
        if position in skipped:
            return Answer.SKIP
        return Answer.BAD if position >= bad else Answer.GOOD

    log = log_of(*([Added("a", "x", 1)] for _ in range(count)))
    found = halve(log, 0, count, check)
    assert bad in found.positions
    assert set(found.positions) - {max(found.positions)} <= skipped, "all that is left could not be judged"
    assert len(set(asked)) == len(asked) == found.asked <= count.bit_length() + len(skipped) * 2
    if not skipped:
        assert found.first == bad


def test_halving_asks_and_is_told() -> None:
    steps = halving([10, 20, 30, 40])
    assert next(steps) == 20
    assert steps.send(Answer.GOOD) == 30
    with pytest.raises(StopIteration) as end:
        steps.send(Answer.SKIP)
    assert end.value.value == Suspects((30, 40), 2)


def test_exit_codes_are_those_of_git() -> None:
    answers = [answer_of(code) for code in (0, 1, 124, 125, 126, 127, 128, 255, -9)]
    good, bad, skip = Answer.GOOD, Answer.BAD, Answer.SKIP
    assert answers == [good, bad, bad, skip, bad, bad, None, None, None]


def test_a_turn_has_its_event_and_says_who_did_it() -> None:
    with connect() as db:
        db.append(Added("a", "x", 1), author="ann")
        db.append(Added("a", "x", 5), author="bob", message="more")
        found = db.bisect(Cart("a"), lambda cart: cart.pieces > 2).first
        assert found is not None
        assert (found.event, found.author, found.message) == (Added("a", "x", 5), "bob", "more")
        [turn] = db.turns(Cart, lambda cart: cart.pieces > 2)
        assert turn.record == found
        assert pickle.loads(pickle.dumps(turn)).record.author == "bob"


def test_a_search_says_how_far_it_has_come() -> None:
    db = connect()
    db.append(*(Added(f"c-{number % 3}", "a", 1) for number in range(1_200)))
    holds = predicate("pieces > 300", Cart)
    looked = [each for each in looking_for_turns(db.log, Cart, holds) if isinstance(each, Looked)]
    assert [(each.position, each.events, each.states) for each in looked] == [
        (500, 500, 3),
        (1_000, 1_000, 3),
        (1_200, 1_200, 3),
    ]
    assert looked[-1].turns == len(list(turns_of_all(db.log, Cart, holds))) == 3
    one = list(looking_for_first(db.log, Cart("c-0"), holds))
    assert one == [Looked(1_198, 400, 1, 1)]
