"""Copies of states: equal, of the same classes, and sharing what cannot change and nothing else."""

from __future__ import annotations

import copy
from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstory import Event, State, Tag
from backstory.decide import copying
from backstory.decide.state import state_type


class Kept(Event, name="copying.kept"):
    shelf: Tag[str]


class Row(msgspec.Struct):
    n: int
    names: list[str] = []


class Fixed(msgspec.Struct, frozen=True):
    n: int


class Around(msgspec.Struct, frozen=True):
    inside: list[int]


class Below(Row):
    more: Any = None


@dataclass
class Data:
    n: int
    rows: list[Row] = field(default_factory=list)


@dataclass
class SubData(Data):
    def __post_init__(self) -> None:
        self.beside = [self.n]


@dataclass(slots=True)
class Slotted:
    n: list[int]


class Pair(NamedTuple):
    one: list[int]
    other: int


class Hooked:
    def __init__(self, n: int) -> None:
        self.n = n
        self.copies = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hooked) and self.n == other.n

    __hash__ = None  # type: ignore[assignment]

    def __deepcopy__(self, _: dict[int, Any]) -> Hooked:
        new = Hooked(self.n)
        new.copies = self.copies + 1
        return new


class Shelf(State):
    shelf: Tag[str]
    anything: Any = None
    rows: list[Row] = []
    by_n: dict[int, Row] = {}
    fixed: list[Fixed] = []
    names: set[str] = set()

    def apply(self, event: Kept) -> None: ...


def copied(state: Shelf) -> Shelf:
    new: Shelf = state_type(Shelf).copy(state)
    return new


VALUES = st.recursive(
    st.one_of(
        st.integers(), st.text(max_size=3), st.none(), st.builds(Fixed, st.integers()), st.just({"a", "b"})
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(max_size=2), inner, max_size=3),
        st.tuples(inner, inner),
        st.builds(Below, st.integers(), st.lists(st.text(max_size=2), max_size=2), inner),
        st.builds(Data, st.integers(), st.lists(st.builds(Row, st.integers()), max_size=2)),
        st.builds(SubData, st.integers()),
        st.builds(Slotted, st.lists(st.integers(), max_size=2)),
        st.builds(Pair, st.lists(st.integers(), max_size=2), st.integers()),
        st.builds(Around, st.lists(st.integers(), max_size=2)),
        st.builds(Hooked, st.integers()),
        st.lists(st.integers(), max_size=3).map(deque),
        st.lists(st.text(max_size=1), max_size=3).map(Counter),
        st.dictionaries(st.text(max_size=1), inner, max_size=2).map(lambda some: defaultdict(list, some)),
        st.dictionaries(st.text(max_size=1), inner, max_size=2).map(OrderedDict),
    ),
    max_leaves=12,
)


def changeable(value: Any, found: dict[int, Any]) -> dict[int, Any]:
    """All parts of a value that could be changed in place, by id."""
    if isinstance(value, str | int | Fixed | type(None)):
        return found
    if not isinstance(value, tuple | Around):
        found[id(value)] = value
    if isinstance(value, dict):
        parts = [*value.keys(), *value.values()]
    elif isinstance(value, msgspec.Struct):
        parts = [getattr(value, name) for name in value.__struct_fields__]
    elif hasattr(value, "__dict__"):
        parts = list(vars(value).values())
    else:
        parts = [value.n] if isinstance(value, Slotted) else list(value)
    for part in parts:
        changeable(part, found)
    return found


@given(VALUES)
def test_a_copy_is_equal_and_shares_nothing_that_can_change(value: Any) -> None:
    new = copied(Shelf("s", value)).anything
    assert new == value
    assert repr(type(new)) == repr(type(value))
    assert [type(part) for part in changeable(new, {}).values()] == [
        type(part) for part in changeable(value, {}).values()
    ]
    assert not set(changeable(new, {})) & set(changeable(value, {}))


def test_a_value_that_stands_in_two_places_is_one_value_in_the_copy() -> None:
    row, loop = Row(1), list[Any]()
    loop.append(loop)
    state = Shelf("s", (loop, row, Hooked(1)), [row, Row(2), row], {1: row})
    new = copied(state)
    assert new.rows[0] is new.rows[2] is new.by_n[1] is new.anything[1]
    assert new.rows[0] is not row
    assert new.anything[0][0] is new.anything[0]
    new.by_n[1].names.append("x")
    assert [len(one.names) for one in new.rows] == [1, 0, 1]
    assert row.names == []


def test_what_cannot_change_is_shared() -> None:
    state = Shelf("s", [Fixed(1), "text" * 9], fixed=[Fixed(2)], names={"a"})
    new = copied(state)
    assert new.fixed is not state.fixed
    assert new.names is not state.names
    assert new.fixed[0] is state.fixed[0]
    assert new.anything[0] is state.anything[0]


def test_a_class_that_says_how_it_is_copied_is_asked() -> None:
    assert copied(Shelf("s", [Hooked(1)])).anything[0].copies == 1


def test_attributes_that_are_no_fields_are_copied_too() -> None:
    data = SubData(1)
    [new] = copied(Shelf("s", [data])).anything
    assert new.beside == [1]
    assert new.beside is not data.beside


def test_rows_of_plain_classes_need_no_general_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    def general(*_: Any) -> Any:
        raise AssertionError("deepcopy takes ten times as long")

    monkeypatch.setattr(copy, "deepcopy", general)
    monkeypatch.setattr(copying, "_copies", dict(copying._copies))
    rows = [Row(n, ["a"]) for n in range(3)]
    state = Shelf("s", [Data(1, rows), {"a": rows}, Below(1)], rows, dict(enumerate(rows)))
    assert copied(state) == state


def test_the_memo_is_that_of_the_general_copy() -> None:
    class Holder:
        def __init__(self, row: Row) -> None:
            self.row = row

        def __deepcopy__(self, memo: dict[int, Any]) -> Holder:
            return Holder(copy.deepcopy(self.row, memo))

    row = Row(1)
    one, holder = copied(Shelf("s", [row, Holder(row)])).anything
    assert holder.row is one


def test_json_that_is_nested_deeper_than_the_stack_is_copied() -> None:
    def nested() -> Any:
        value: Any = []
        for number in range(490):
            value = {"in": value} if number % 2 else [value, 1]
        return value

    given = nested()
    copied = copying.copier(Below, {"n": int, "names": list[str], "more": Any})(Below(1, more=given)).more
    assert msgspec.json.encode(copied) == msgspec.json.encode(nested())
    assert copied is not given
