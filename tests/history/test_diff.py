"""A difference is exact: applied as a patch it gives the other value, and it tells of nothing that stayed."""

from __future__ import annotations

import json
from typing import Annotated, Any

import jsonpatch
import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from backstory.decide.latest import Latest
from backstory.history.compare.align import paired, stay
from backstory.history.compare.diff import Difference, diff, diff_plain, diff_states
from backstory.history.compare.jsonable import canonical, plain_value
from backstory.history.compare.patch import json_patch, lines
from backstory.history.compare.shape import Keyed, Shape
from tests.history.shop import Cart, Line, filled, shop_logs

scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b", "/~", 1.0, 0.5])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from("ab/~"), inner, max_size=4),
    max_leaves=15,
)


class Item(msgspec.Struct):
    sku: int
    count: int = 0


class Basket(msgspec.Struct):
    items: Annotated[list[Item], Keyed("sku")]
    others: list[int] = []


items = st.lists(st.builds(Item, st.integers(0, 9), st.integers(0, 2)), unique_by=lambda item: item.sku)
baskets = st.builds(Basket, items, st.lists(st.integers(0, 3)))


def applied(difference: Difference) -> Any:
    """What another program's patch makes of `before`, all in JSON text on the way."""
    patch = jsonpatch.JsonPatch.from_string(json.dumps(json_patch(difference)))
    return patch.apply(json.loads(json.dumps(difference.before)))


@given(values, values)
@example([], [[]])
@example({"a": 1}, {"a": True})
@example([1, 2, 3], [3, 1, 2])
def test_applied_as_a_json_patch_it_gives_the_other_value(before: Any, after: Any) -> None:
    difference = diff_plain(before, after)
    assert canonical(applied(difference)) == canonical(after)
    assert bool(difference) == (canonical(before) != canonical(after))


@given(baskets, baskets)
def test_lists_with_a_key_are_patched_by_moves_too(before: Basket, after: Basket) -> None:
    difference = diff_plain(plain_value(before), plain_value(after), Shape(Basket))
    assert applied(difference) == plain_value(after)
    keys = {item.sku for item in before.items}, {item.sku for item in after.items}
    own = [change for change in difference.changes if change.path[0] == "items" and len(change.path) == 2]
    assert {change.before["sku"] for change in own if change.kind == "removed"} == keys[0] - keys[1]
    assert {change.after["sku"] for change in own if change.kind == "added"} == keys[1] - keys[0]
    assert not [change for change in own if change.kind == "changed"]


@given(st.permutations(range(7)))
def test_as_few_elements_move_as_can(order: list[int]) -> None:
    before, after = [{"id": key} for key in range(7)], [{"id": key} for key in order]
    pairs = paired(before, after, "id")
    longest = max(
        (len(run) for size in range(8) for run in _increasing(order, size)),
        default=0,
    )
    assert len(stay(pairs)) == longest


def _increasing(order: list[int], size: int) -> list[tuple[int, ...]]:
    from itertools import combinations

    return [run for run in combinations(order, size) if list(run) == sorted(run)]


def test_a_change_inside_a_list_is_told_as_that_change_only() -> None:
    before = {"lines": [{"sku": "a", "n": 1}, {"sku": "b", "n": 2}, {"sku": "c", "n": 3}]}
    after = {
        "lines": [{"sku": "a", "n": 1}, {"sku": "x", "n": 0}, {"sku": "b", "n": 2}, {"sku": "c", "n": 4}]
    }
    assert [str(line) for line in lines(diff_plain(before, after))] == [
        '+ lines[1]: {"n":0,"sku":"x"}',
        "~ lines[3].n: 3 -> 4",
    ]


def test_lines_name_an_element_by_its_key() -> None:
    before = Basket([Item(1), Item(2), Item(3)])
    after = Basket([Item(3, 5), Item(1), Item(4)], [7])
    difference = diff_plain(plain_value(before), plain_value(after), Shape(Basket))
    assert [str(line) for line in lines(difference)] == [
        '- items[sku=2]: {"count":0,"sku":2}',
        "> items[sku=3]",
        '+ items[sku=4]: {"count":0,"sku":4}',
        "~ items[sku=3].count: 0 -> 5",
        "+ others[0]: 7",
    ]
    assert difference.summary == "1 changed, 2 added, 1 removed, 1 moved"
    assert diff_plain(1, 1).summary == "no difference"


def test_sets_and_unusual_keys_and_missing_numbers_have_a_json() -> None:
    assert plain_value({1: {2, 1}, 2: (float("nan"),)}) == {"1": [1, 2], "2": [None]}
    assert plain_value({None, "a", 1}) == ["a", 1, None]
    assert plain_value({(1, 2): {3}}) == {"[1, 2]": [3]}


@given(shop_logs())
def test_states_between_two_positions(log: Any) -> None:
    head = log.head().position
    before, after = filled(log, Cart("a"), head // 2), filled(log, Cart("a"), head)
    assert diff_states(log, head // 2, log, head, Cart("a")) == diff(before, after)


def test_latest_is_compared_by_what_the_fields_hold() -> None:
    from tests.history.shop import Added, log_of

    log = log_of([Added("a", "x", 1)], [Added("a", "x", 2)])
    found = diff_states(log, 1, log, 2, Latest("cart:a"))
    assert [str(line) for line in lines(found)] == ["~ count: 1 -> 2"]
    assert Line("x") == Line("x")
