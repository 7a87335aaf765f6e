"""every_order and in_order: commands that compete."""

from __future__ import annotations

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as some

from backstory import Command
from backstory.testing import every_order, in_order
from tests.testing.warehouse import SHELF, Shelf, Stored, lose, store, take

THREE = [Stored("s-1", 3)]


def test_every_order_is_executed() -> None:
    orders = every_order([take(SHELF, 3), take(SHELF, 2), store(SHELF, 1)], given=THREE)
    assert len(orders) == 6
    assert {tuple(map(str, order.accepted)) for order in orders} == {
        ("take(s-1, amount=3)", "store(s-1, amount=1)"),
        ("take(s-1, amount=2)", "store(s-1, amount=1)"),
        ("store(s-1, amount=1)", "take(s-1, amount=3)"),
        ("store(s-1, amount=1)", "take(s-1, amount=2)"),
        ("take(s-1, amount=2)", "store(s-1, amount=1)"),
    }


def test_what_came_of_an_order_is_told() -> None:
    [order, _] = every_order([take(SHELF, 2), take(SHELF, 3)], given=THREE)
    assert order.accepted == [take(SHELF, 2)]
    assert [(command, refused.code) for command, refused in order.refused] == [(take(SHELF, 3), "too few")]
    assert order.states == [Shelf("s-1", 1)]


def test_an_order_that_breaks_an_invariant_fails_with_its_story() -> None:
    with pytest.raises(AssertionError) as caught:
        every_order([take(SHELF, 9), lose(SHELF, 2), take(SHELF, 2)], given=THREE)
    assert str(caught.value).splitlines() == [
        "Shelf(s-1, amount=-1, colours=[]) breaks 'Never owes anything' after Taken(s-1, amount=2)",
        "",
        "Given  Stored(s-1, amount=3, colours=[])",
        "When   take(s-1, amount=9)",
        "Then   refused: not enough there",
        "When   take(s-1, amount=2)",
        "Then   Taken(s-1, amount=2)",
        "When   lose(s-1, amount=2)",
        "Then   Taken(s-1, amount=2)",
    ]


def test_other_states_may_be_watched_than_those_that_the_commands_read() -> None:
    order = in_order([store(SHELF, 1)], states=[Shelf("s-2"), SHELF])
    assert order.states == [Shelf("s-2"), Shelf("s-1", 1)]


def test_many_orders_are_sampled_the_same_ones_each_time() -> None:
    commands = [store(SHELF, amount) for amount in range(8)]
    first, second = (every_order(commands, limit=5) for _ in range(2))
    assert len(first) == 5
    assert [order.accepted for order in first] == [order.accepted for order in second]
    assert [order.accepted for order in every_order(commands, limit=5, seed=1)] != [
        order.accepted for order in first
    ]


amounts = some.integers(0, 9)


@for_all(
    some.lists(some.builds(take, some.just(SHELF), amounts) | some.builds(store, some.just(SHELF), amounts))
)
def test_hypothesis_may_make_the_commands(commands: list[Command]) -> None:
    order = in_order(commands)
    assert len(order.accepted) + len(order.refused) == len(commands)
