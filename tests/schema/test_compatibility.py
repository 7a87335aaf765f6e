"""What counts as compatible: a table of changes, and the promise behind it, on random changes and random data."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import itertools
import uuid
from contextlib import suppress
from types import GenericAlias
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from msgspec import Meta

from backstory.errors import InvalidEvent
from backstory.schema.compatibility import differences, tag_differences
from backstory.schema.lock import published
from backstory.values.codec import PLAIN
from backstory.values.event_types import EventType, event_type, register
from backstory.values.fields import Tagged

names = itertools.count()


class Plan(enum.Enum):
    FREE = "free"
    PAID = "paid"


class Address(msgspec.Struct, frozen=True):
    city: str


class LongAddress(msgspec.Struct, frozen=True):
    city: str
    zip: str = ""


class OtherAddress(msgspec.Struct, frozen=True):
    town: str


class Tree(msgspec.Struct, frozen=True):
    value: int
    inner: list[Tree] = []


class WideTree(msgspec.Struct, frozen=True):
    value: int | None
    inner: list[WideTree] = []


class StrictTree(msgspec.Struct, frozen=True):
    value: bool
    inner: list[StrictTree] = []


def kind(fields: list[Any]) -> EventType:
    """An event class with these fields."""
    cls = msgspec.defstruct("Sample", fields, frozen=True, namespace={"__qualname__": "<locals>.Sample"})
    return event_type(register(cls, name=f"Sample{next(names)}"))


def judged(old: EventType, new: EventType) -> list[tuple[str, str]]:
    before, after = published(old), published(new)
    found = differences(before.schema, after.schema)
    found += tag_differences(before.schema, after.schema, before.tags, after.tags)
    return [(difference.place, difference.kind) for difference in found]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (int, float),
        (int, decimal.Decimal),
        (int, int | None),
        (int, int | str),
        (int, Any),
        (Annotated[int, Meta(ge=1)], int),
        (Annotated[int, Meta(ge=1)], Annotated[int, Meta(gt=0)]),
        (Annotated[int, Meta(gt=0)], Annotated[int, Meta(ge=1)]),
        (Annotated[int, Meta(multiple_of=10)], Annotated[int, Meta(multiple_of=5)]),
        (Annotated[str, Meta(max_length=3)], Annotated[str, Meta(max_length=4)]),
        (Annotated[str, Meta(pattern="^a")], str),
        (Literal["a"], Literal["a", "b"]),
        (Literal["a", 1], str | int),
        (Literal["ab"], Annotated[str, Meta(max_length=2)]),
        (Plan, str),
        (Literal["free"], Plan),
        (uuid.UUID, str),
        (dt.date, str),
        (dt.datetime, str),
        (bytes, str),
        (Annotated[dt.datetime, Meta(tz=True)], dt.datetime),
        (set[str], list[str]),
        (list[int], list[int | None]),
        (tuple[int, int], list[int]),
        (tuple[int, int], Annotated[list[int], Meta(max_length=2)]),
        (dict[str, int], dict[str, float]),
        (dict[int, int], dict[str, int]),
        (Address, LongAddress),
        (Address, dict[str, str]),
        (Address, dict[Literal["city", "zip"], str]),
        (Address, dict[Annotated[str, Meta(max_length=4)], str]),
        (list[Address], list[LongAddress | None]),
        (Tree, WideTree),
        (bool | None, bool | None),
    ],
    ids=str,
)
def test_a_wider_type_is_compatible_and_its_way_back_is_not_unless_they_mean_the_same(
    old: Any, new: Any
) -> None:
    old_kind, new_kind = kind([("field", old)]), kind([("field", new)])
    assert judged(old_kind, new_kind) == []
    if published(old_kind).schema != published(new_kind).schema and "gt=0" not in f"{old}{new}":
        assert judged(new_kind, old_kind) != []


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        (int, str, "field"),
        (int, bool, "field"),
        (str, dt.datetime, "field"),
        (str, uuid.UUID, "field"),
        (dt.datetime, dt.date, "field"),
        (dt.datetime, Annotated[dt.datetime, Meta(tz=True)], "field"),
        (float, int, "field"),
        (int | None, int, "field"),
        (int, Annotated[int, Meta(ge=1)], "field"),
        (Annotated[int, Meta(ge=1)], Annotated[int, Meta(gt=1)], "field"),
        (str, Annotated[str, Meta(pattern="^a")], "field"),
        (Plan, Literal["free"], "field"),
        (str, Plan, "field"),
        (str, Literal["a"], "field"),
        (list[str], set[str], "field"),
        (list[str], tuple[str, str], "field"),
        (tuple[str, str], tuple[str], "field"),
        (tuple[str], tuple[str, str], "field"),
        (list[Address], list[OtherAddress], "field[].city"),
        (LongAddress, Address, "field.zip"),
        (dict[str, int], dict[int, int], "field.its keys"),
        (dict[str, int], dict[str, bool], "field{}"),
        (dict[str, str], Address, "field"),
        (Address, dict[int, str], "field.its keys"),
        (Address, dict[Literal["zip"], str], "field.its keys"),
        (Address, dict[dt.date, str], "field.its keys"),
        (Address, dict[Annotated[str, Meta(max_length=3)], str], "field.its keys"),
        (list[Address], dict[int, str], "field"),
        (Tree, StrictTree, "field.value"),
        (Any, int, "field"),
        (bytes, uuid.UUID, "field"),
    ],
    ids=str,
)
def test_a_narrower_or_another_type_is_not_compatible_and_the_field_is_named(
    old: Any, new: Any, place: str
) -> None:
    found = judged(kind([("field", old)]), kind([("field", new)]))
    assert place in [where for where, _ in found]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([("a", int)], [("a", int), ("b", int, 0)], []),
        ([("a", int)], [("b", int, 0), ("a", int, 5)], []),
        ([("a", int, 5)], [("a", int, 5)], []),
        ([("a", int), ("b", int)], [("a", int)], [("b", "removed")]),
        ([("a", int)], [("a", int), ("b", int)], [("b", "required")]),
        ([("a", int)], [("b", int)], [("a", "removed"), ("b", "required")]),
        ([("a", int, 0)], [("a", int)], [("a", "required")]),
        ([("a", int, 0)], [("a", int, 1)], [("a", "default")]),
        ([("a", int, 0)], [("a", bool, False)], [("a", "type"), ("a", "default")]),
    ],
    ids=str,
)
def test_fields_that_come_and_go(old: list[Any], new: list[Any], expected: list[tuple[str, str]]) -> None:
    assert judged(kind(old), kind(new)) == expected


@pytest.mark.parametrize(
    ("old", "new", "fine"),
    [
        (Annotated[str, Tagged()], Annotated[str | None, Tagged()], True),
        (Annotated[uuid.UUID, Tagged()], Annotated[str, Tagged()], True),
        (Annotated[Plan, Tagged()], Annotated[str, Tagged()], True),
        (Annotated[set[str], Tagged()], Annotated[list[str], Tagged()], True),
        (Annotated[str, Tagged()], str, False),
        (str, Annotated[str, Tagged()], False),
        (Annotated[str, Tagged()], Annotated[str, Tagged("other")], False),
        (Annotated[dt.datetime, Tagged()], Annotated[str, Tagged()], False),
        (Annotated[list[dt.datetime], Tagged()], Annotated[list[str], Tagged()], False),
    ],
    ids=str,
)
def test_tags_must_stay_as_they_are_stored(old: Any, new: Any, fine: bool) -> None:
    found = judged(kind([("a", old)]), kind([("a", new)]))
    assert found == ([] if fine else [("a", "tag")])


def test_a_new_field_may_tag_only_where_stored_events_get_no_tag_from_it() -> None:
    old = kind([("a", int)])
    assert judged(old, kind([("a", int), ("b", Annotated[str | None, Tagged()], None)])) == []
    assert judged(old, kind([("a", int), ("b", Annotated[str, Tagged()], "x")])) == [("b", "tag")]


# The promise: what is judged compatible is read. Types are described by little trees, so that they can be varied.


class Kind(NamedTuple):
    """A type, and JSON values of it."""

    annotation: Any
    values: st.SearchStrategy[Any]


TIMES = st.datetimes().map(lambda time: time.isoformat())
ZONED = st.datetimes(timezones=st.just(dt.UTC)).map(lambda time: time.isoformat())
SMALL = st.integers(-3, 12)
TEXT = st.text("ab1", max_size=4)

LEAVES = [
    Kind(int, SMALL),
    Kind(Annotated[int, Meta(ge=0)], st.integers(0, 12)),
    Kind(Annotated[int, Meta(gt=0, lt=9)], st.integers(1, 8)),
    Kind(Annotated[int, Meta(multiple_of=2)], SMALL.map(lambda number: number * 2)),
    Kind(float, st.floats(allow_nan=False, allow_infinity=False)),
    Kind(Annotated[float, Meta(ge=0, le=8)], st.floats(0, 8)),
    Kind(decimal.Decimal, SMALL.map(str)),
    Kind(bool, st.booleans()),
    Kind(str, TEXT),
    Kind(Annotated[str, Meta(max_length=4)], TEXT),
    Kind(Annotated[str, Meta(min_length=1, max_length=3)], st.text("ab", min_size=1, max_size=3)),
    Kind(Annotated[str, Meta(pattern="^a")], TEXT.map(lambda text: f"a{text}")),
    Kind(Literal["a"], st.just("a")),
    Kind(Literal["a", "b"], st.sampled_from("ab")),
    Kind(Literal["a", 1] | None, st.sampled_from(["a", 1, None])),
    Kind(Plan, st.sampled_from(["free", "paid"])),
    Kind(dt.datetime, TIMES | ZONED),
    Kind(Annotated[dt.datetime, Meta(tz=True)], ZONED),
    Kind(dt.date, st.dates().map(str)),
    Kind(uuid.UUID, st.uuids().map(str)),
    Kind(bytes, st.sampled_from(["", "YQ==", "YWI="])),
    Kind(Any, SMALL | TEXT | st.none() | st.lists(SMALL, max_size=2)),
]


def struct(inner: Kind, default: bool) -> Kind:
    fields: list[Any] = [("x", inner.annotation)] + ([("y", int, 0)] if default else [])
    cls = msgspec.defstruct("Inner", fields, frozen=True)
    return Kind(cls, st.fixed_dictionaries({"x": inner.values}, optional={"y": SMALL} if default else {}))


def listed(inner: Kind, most: int) -> Kind:
    return Kind(
        Annotated[GenericAlias(list, inner.annotation), Meta(max_length=most)],
        st.lists(inner.values, max_size=min(most, 3)),
    )


def wrapped(inner: Kind) -> st.SearchStrategy[Kind]:
    part: Any = inner.annotation
    kinds = [
        Kind(GenericAlias(list, part), st.lists(inner.values, max_size=3)),
        listed(inner, 2),
        listed(inner, 9),
        Kind(GenericAlias(dict, (str, part)), st.dictionaries(TEXT, inner.values, max_size=2)),
        Kind(GenericAlias(dict, (int, part)), st.dictionaries(SMALL.map(str), inner.values, max_size=2)),
        Kind(GenericAlias(tuple, (part, int)), st.tuples(inner.values, SMALL).map(list)),
        Kind(GenericAlias(tuple, (part,)), st.tuples(inner.values).map(list)),
        struct(inner, True),
        struct(inner, False),
    ]
    if part is not Any and "None" not in str(part):
        kinds.append(Kind(part | None, inner.values | st.none()))
    return st.sampled_from(kinds)


KINDS = st.one_of(
    st.sampled_from(LEAVES),
    st.sampled_from(LEAVES).flatmap(wrapped),
    st.sampled_from(LEAVES).flatmap(wrapped).flatmap(wrapped),
)
TAGS = st.sampled_from(
    [
        Kind(Annotated[str, Tagged()], TEXT.filter(bool)),
        Kind(Annotated[str | None, Tagged()], TEXT.filter(bool) | st.none()),
        Kind(Annotated[uuid.UUID, Tagged()], st.uuids().map(str)),
        Kind(Annotated[int, Tagged()], SMALL),
        Kind(Annotated[int | str, Tagged()], SMALL | TEXT.filter(bool)),
        Kind(Annotated[Plan, Tagged()], st.sampled_from(["free", "paid"])),
        Kind(Annotated[dt.datetime, Tagged()], ZONED),
        Kind(Annotated[list[str], Tagged()], st.lists(TEXT.filter(bool), max_size=2)),
        Kind(Annotated[str, Tagged("other")], TEXT.filter(bool)),
    ]
)


@st.composite
def wider(draw: st.DrawFn, kind: Kind) -> Kind:
    """The same type, a type around it, or any other."""
    part = kind.annotation
    options = [kind, Kind(Any, kind.values), draw(KINDS | TAGS), draw(KINDS)]
    if part is int:
        options += [Kind(float, SMALL), Kind(decimal.Decimal, SMALL)]
    if part is not Any and "None" not in str(part):
        options.append(Kind(part | None, kind.values | st.none()))
    chosen: Kind = draw(st.sampled_from(options))
    return chosen


@st.composite
def changes(draw: st.DrawFn) -> tuple[list[Any], list[Any], dict[str, st.SearchStrategy[Any]], set[str]]:
    """The fields of an event before and after a change, values for the old ones, and which of these may be left out."""
    old: list[Any] = []
    new: list[Any] = []
    values: dict[str, st.SearchStrategy[Any]] = {}
    optional: set[str] = set()
    for name in "abc"[: draw(st.integers(1, 3))]:
        before = draw(KINDS | TAGS)
        values[name] = before.values
        after = draw(wider(before)) if draw(st.booleans()) else before
        nothing = [None] if draw(st.booleans()) else []
        if nothing:
            optional.add(name)
        old.append((name, before.annotation, *nothing))
        if draw(st.integers(0, 9)) != 9:
            new.append((name, after.annotation, *(nothing if draw(st.integers(0, 5)) else [None])))
    if draw(st.booleans()):
        added = draw(KINDS | TAGS)
        new.append(("z", added.annotation, *draw(st.sampled_from([(), (None,), (None,)]))))
    return sorted(old, key=len), sorted(new, key=len), values, optional


@settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    max_examples=max(300, settings().max_examples),
)
@given(changes(), st.data())
def test_what_is_judged_compatible_reads_all_that_was_stored_drops_nothing_and_has_the_same_tags(
    change: tuple[list[Any], list[Any], dict[str, st.SearchStrategy[Any]], set[str]], data: st.DataObject
) -> None:
    before, after, values, optional = change
    try:
        old, new = kind(before), kind(after)
    except Exception:  # two kinds of text in one union, and the like: no class at all
        assume(False)
        raise
    found = judged(old, new)
    event("compatible" if not found else found[0][1])
    if found:
        return
    for _ in range(3):
        needed = {name: value for name, value in values.items() if name not in optional}
        plain = data.draw(st.fixed_dictionaries(needed, optional={name: values[name] for name in optional}))
        raw = msgspec.json.encode(plain)
        if data.draw(st.booleans()):
            with suppress(
                InvalidEvent
            ):  # a default that its own type refuses: it can be read, and never written
                raw = PLAIN.encode(old.load(raw)).data
        read = new.load(raw)
        assert new.tags(read) == old.tags(old.load(raw)), raw
        kept = msgspec.json.decode(msgspec.json.encode(read))
        assert covers(kept, msgspec.json.decode(raw)), (raw, kept)


def covers(new: Any, old: Any) -> bool:
    """Whether every field of the old JSON value is in the new one, all the way down."""
    if isinstance(old, dict):
        return isinstance(new, dict) and all(
            name in new and covers(new[name], part) for name, part in old.items()
        )
    if isinstance(old, list):
        return len(new) == len(old) and (
            not any(isinstance(part, dict) for part in old) or all(map(covers, new, old))
        )
    return (new is None) == (old is None)
