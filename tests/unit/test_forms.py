"""What is written comes back, and is the same bytes in every process."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import itertools
import math
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, cast
from zoneinfo import ZoneInfo

import attrs
import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstory import Event, State, Tag, command, connect, register
from backstory.errors import DefinitionError, InvalidEvent, InvalidTag
from backstory.testing import given as happened
from backstory.values.codec import PLAIN
from backstory.values.event import definitions
from backstory.values.event_data import DEPTH
from backstory.values.forms import free_json

NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


class Colour(enum.StrEnum):
    RED = "red"


class Address(msgspec.Struct, frozen=True):
    street: str


class Box(Address, frozen=True):
    box: int = 0


class Line(msgspec.Struct, frozen=True, rename={"tags": "t"}):
    price: float
    tags: frozenset[str] = frozenset()


class Placed(Event, name="forms.placed"):
    order: Tag[str]
    lines: list[Line] = []
    to: Address | None = None
    more: Any = None
    at: dt.datetime | None = None
    cost: Decimal | None = None


class Labelled(Event, name="forms.labelled"):
    item: Tag[str]
    labels: set[str]
    numbers: frozenset[int] = frozenset()
    lines: list[Line] = []
    by_name: dict[str, list[set[str]]] = {}
    pairs: set[tuple[str, frozenset[int]]] = set()
    anything: Any = None


@dataclasses.dataclass(frozen=True)
class Street:
    name: str


@dataclasses.dataclass(frozen=True)
class Lane(Street):
    width: int = 0


@dataclasses.dataclass(frozen=True)
class Moved:
    to: Street
    seen: frozenset[str] = frozenset()


@attrs.frozen
class Sorted:
    kinds: frozenset[str]
    more: tuple[frozenset[str], ...] = ()


@attrs.frozen(eq=False)
class Incomparable:
    name: str
    size: float = 0.0


class Place(pydantic.BaseModel, frozen=True):
    name: str


class Shop(Place, frozen=True):
    size: int = 0


class Opened(pydantic.BaseModel, frozen=True):
    at: Place
    kinds: frozenset[str] = pydantic.Field(default=frozenset(), serialization_alias="k")
    more: dict[str, list[set[str]]] = {}
    secret: str = pydantic.Field(default="", exclude=True)
    _loaded: int = pydantic.PrivateAttr(default_factory=itertools.count().__next__)


class Aliased(pydantic.BaseModel, frozen=True):
    order: str = pydantic.Field(alias="orderId")


class Measured(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, ser_json_inf_nan="constants")
    value: float


class Numbers(pydantic.RootModel[list[int]], frozen=True):
    pass


class Plain(pydantic.BaseModel, frozen=True):
    kinds: frozenset[str]
    more: list[set[str]] = []


for kind in (Moved, Sorted, Incomparable, Opened, Aliased, Measured, Numbers, Plain):
    register(kind, name=f"forms.{kind.__name__.lower()}")


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (
            Placed("o", [Line(1.0), Line(2)]),
            r"lines\[1\].price is 2 \(int\), but 2.0 \(float\) would come back",
        ),
        (Placed("o", (Line(1.0),)), r"lines is .*tuple\), but .*\(list\) would come back: give it as list"),  # type: ignore[arg-type]
        (Placed("o", [Line(1.0, {"x"})]), None),  # type: ignore[arg-type]
        (
            Placed("o", to=Box("Main", 7)),
            r"to is Box\(.*\) \(Box\), but Address\(.*\) \(Address\) would come back",
        ),
        (Placed("o", more=(1, 2)), r"more is \(1, 2\) \(tuple\), but \[1, 2\] \(list\)"),
        (
            Placed("o", more={"a": [Address("x")]}),
            r"more\['a'\]\[0\] is Address.*, but {'street': 'x'} \(dict\)",
        ),
        (Placed("o", more={1: 2}), r"more is {1: 2} \(dict\), but {'1': 2} \(dict\) would come back"),
        (Placed("o", more={1, 2}), r"more is {1, 2} \(set\)"),
        (Placed("o", more=b"x"), r"more is b'x' \(bytes\), but 'eA==' \(str\)"),
        (Placed("o", more=NOON), r"more is .* \(datetime\), but '2026-01-01T12:00:00Z' \(str\)"),
        (Placed("o", more=[{"a": math.nan}]), r"more\[0\]\['a'\] is nan .*JSON has no NaN"),
        pytest.param(
            Placed("o", more=[object()]),
            r"more\[0\]: Encoding objects of type object is unsupported",
            id="an object",
        ),
        (Placed("o", cost=1), r"cost is 1 \(int\), but Decimal\('1'\)"),  # type: ignore[arg-type]
        (Placed("o", cost=Decimal("nan")), r"cost is Decimal\('NaN'\)"),
        (Placed("o", cost=Decimal("sNaN")), r"cost is Decimal\('sNaN'\) .*JSON has no NaN"),
        (Placed("o", more=[Decimal("sNaN")]), r"more\[0\] is Decimal\('sNaN'\) .*JSON has no NaN"),
        (Placed(uuid.UUID(int=1)), r"order is UUID\(.*\) \(UUID\), but '0.*' \(str\) would come back"),  # type: ignore[arg-type]
        (Placed("o", at=dt.datetime(1900, 1, 1, tzinfo=ZoneInfo("Europe/Amsterdam"))), r"at is .*an offset"),
        (Moved(Lane("Main", 7)), r"to is Lane\(.*\) \(Lane\), but Street\(.*\) \(Street\) would come back"),
        (Incomparable("x", 5), r"size is 5 \(int\), but 5.0 \(float\)"),
        (Opened(at=Shop(name="x", size=7)), r"at is Shop\(.*\) \(Shop\), but Place\(.*\) \(Place\)"),
        (Opened(at=Place(name="x"), secret="s"), r"secret is 's' \(str\), but '' \(str\) .*exclude="),
        (
            Aliased(orderId="o"),
            "order is written by its name and read by its alias: set serialize_by_alias=True",
        ),
        (Measured(value=math.nan), "value is nan .*JSON has no NaN"),
        (Measured(value=math.inf), "is not a JSON object"),
        (Numbers([1]), "is not a JSON object"),
    ],
    ids=str,
)
def test_a_value_that_would_not_come_back_is_refused_by_its_field(event: Any, said: str | None) -> None:
    if said is None:
        assert PLAIN.decode(PLAIN.encode(event)) == event
        return
    with pytest.raises(InvalidEvent, match=rf"(?s)^forms\.{type(event).__name__.lower()}\b.*{said}"):
        PLAIN.encode(event)


@pytest.mark.parametrize(
    "event",
    [
        Placed("o", more=Colour.RED),
        Placed(Colour.RED),
        Placed("o", more={"b": [1, 2.5, None, "x"], "a": {}}),
        Placed("o", at=NOON.astimezone(ZoneInfo("Asia/Kathmandu")), cost=Decimal("1.00")),
        Placed("o", cost=Decimal("Infinity")),
        pytest.param(Moved(Street("Main"), frozenset("abc")), id="a set"),
        pytest.param(Opened(at=Place(name="x"), kinds=frozenset("abc")), id="a set in a model"),
        Measured(value=-0.0),
    ],
    ids=str,
)
def test_a_value_that_comes_back_as_its_equal_is_kept(event: Any) -> None:
    stored = PLAIN.encode(event)
    assert PLAIN.encode(PLAIN.decode(stored)) == stored


def test_a_class_that_does_not_compare_its_instances_is_compared_by_its_fields() -> None:
    assert PLAIN.decode(PLAIN.encode(Incomparable("x", 5.0))).size == 5.0


def test_tests_and_previews_refuse_what_the_store_refuses() -> None:
    event = Placed("o", to=Box("Main"))

    class Order(State):
        order: Tag[str]

        def apply(self, event: Placed) -> None: ...

    @command
    def place(order: Order) -> Placed:
        return event

    with connect("memory:") as db:
        for tried in (
            lambda: db.append(event),
            lambda: db.execute(place(Order("o"))),
            lambda: db.preview(place(Order("o"))),
            lambda: happened(event),
            lambda: happened().when(place(Order("o"))),
        ):
            with pytest.raises(InvalidEvent, match="to is Box"):
                tried()
        assert db.head().position == 0


def test_elements_of_sets_are_sorted_by_their_encoded_form_at_every_depth_and_keys_keep_their_order() -> None:
    event = Labelled(
        "a",
        {"é", "z", "a"},
        frozenset({9, 10, 100}),
        [Line(1.0, frozenset("cab"))],
        {"z": [{"y", "x"}, set()], "a": [{"b", "a"}]},
        {("b", frozenset({3, 20})), ("a", frozenset())},
    )
    assert PLAIN.encode(event).data.decode() == (
        '{"item":"a","labels":["a","z","é"],"numbers":[10,100,9],"lines":[{"price":1.0,"t":["a","b","c"]}],'
        '"by_name":{"z":[["x","y"],[]],"a":[["a","b"]]},"pairs":[["a",[]],["b",[20,3]]],"anything":null}'
    )
    assert (
        PLAIN.encode(Moved(Street("x"), frozenset("cab"))).data == b'{"to":{"name":"x"},"seen":["a","b","c"]}'
    )
    assert (
        PLAIN.encode(Sorted(frozenset("ba"), (frozenset("dc"),))).data
        == b'{"kinds":["a","b"],"more":[["c","d"]]}'
    )
    assert (
        PLAIN.encode(Plain(kinds=frozenset("ba"), more=[set("dc")])).data
        == b'{"kinds":["a","b"],"more":[["c","d"]]}'
    )
    assert free_json({"b": {"y", "x"}, "a": [{2, 10}]}, "the metadata") == b'{"b":["x","y"],"a":[[10,2]]}'


def test_data_beside_sets_may_be_nested_as_deeply_as_any() -> None:
    nodes: list[Any] = []
    for _ in range(DEPTH - 2):
        nodes = [nodes]
    event = Labelled("a", {"x"}, anything=nodes)
    assert PLAIN.decode(PLAIN.encode(event)) == event


SEEDED = """
import dataclasses, attrs, pydantic
from backstory import Event, State, Tag, command, connect, register

class Labelled(Event):
    item: Tag[str]
    labels: set[str]

class Item(State):
    item: Tag[str]
    def apply(self, event: Labelled) -> None: ...

@command
def label(item: Item, labels: frozenset[str], by: dict[str, list[set[str]]]) -> Labelled:
    return Labelled(item.item, set(labels))

@dataclasses.dataclass(frozen=True)
class Data:
    nested: dict[str, list[frozenset[str]]]

@attrs.frozen
class Attrs:
    pairs: frozenset[tuple[str, frozenset[str]]]

class Model(pydantic.BaseModel, frozen=True):
    nested: dict[str, list[set[str]]]

words = {"x", "y", "z", "w", "some", "more", "words"}
frozen = frozenset(words)
others = Data({"z": [frozen], "a": []}), Attrs(frozenset((w, frozen) for w in words)), Model(nested={"z": [words]})
with connect("labels.db") as db:
    print(db.append(*[register(type(e)) and e for e in others], id="others").hash.hex())
    print(db.append(Labelled("a", words), id="once", metadata={"seen": [words]}).hash.hex())
    print(db.execute(label(Item("b"), frozenset(words), {"z": [words], "a": []}), id="twice").hash.hex())
"""


def test_a_retry_in_a_process_with_another_hash_seed_is_known(tmp_path: Path) -> None:
    said = {
        subprocess.run(
            [sys.executable, "-c", SEEDED],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1


def test_arguments_are_what_their_annotations_say_and_come_back_when_decided_again() -> None:
    class Order(State):
        order: Tag[str]

        def apply(self, event: Placed) -> None: ...

    @command
    def pay(order: Order, price: float, lines: list[Line], more: Any = None) -> None: ...

    made = pay(Order("o"), 5, (Line(1.0),))  # type: ignore[arg-type]
    assert made.arguments["lines"] == [Line(1.0)]
    assert str(made.recorded()["arguments"]["price"]) == "5.0"
    assert pay.parse(made.recorded()["arguments"]) == made
    for argument, said in (
        ({"more": (1,)}, r"^pay: more is \(1,\) \(tuple\), but"),
        ({"lines": [Line(2)]}, r"^pay: lines\[0\].price is 2 \(int\)"),
        ({"order": Order(7)}, r"^pay: .*\$\.order\.order"),  # type: ignore[arg-type]
    ):
        given: dict[str, Any] = {"order": Order("o"), "price": 1.0, "lines": [], **argument}
        with pytest.raises(InvalidEvent, match=said):
            pay(**given).recorded()


def test_free_data_with_keys_that_are_one_text_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="two keys of a dict are the same text there"):
        free_json({"a": {1: "x", "1": "y"}}, "the metadata")


@pytest.mark.parametrize("key", [7, 1.5, dt.date(2026, 3, 1)])
@pytest.mark.parametrize("place", [lambda part: part, lambda part: {"a": [1, (part,)]}])
def test_free_data_with_a_key_that_would_come_back_as_a_text_is_refused(
    key: Any, place: Callable[[Any], dict[str, Any]]
) -> None:
    with pytest.raises(
        InvalidEvent, match=r"^the metadata cannot be written as JSON: the key .* give it as one$"
    ):
        free_json(place({key: "x"}), "the metadata")
    assert free_json(place({str(key): "x"}), "the metadata")


def test_one_instant_is_one_tag_and_a_time_without_a_zone_is_none() -> None:
    class Booked(Event, name="forms.booked"):
        slot: Tag[dt.datetime]

    zones = [dt.UTC, ZoneInfo("Europe/Amsterdam"), dt.timezone(dt.timedelta(hours=5, minutes=30))]
    tags = {PLAIN.encode(Booked(NOON.astimezone(zone))).tags for zone in zones}
    assert tags == {("slot:2026-01-01T12:00:00+00:00",)}
    with pytest.raises(InvalidEvent, match=r"slot is datetime.*has no time zone"):
        PLAIN.encode(Booked(NOON.replace(tzinfo=None)))

    class OnTheWall(Event, name="forms.on_the_wall"):
        slot: Tag[Annotated[dt.datetime, msgspec.Meta(tz=False)]]

    with pytest.raises(InvalidTag, match="slot: a tag's time has a time zone"):
        PLAIN.encode(OnTheWall(NOON.replace(tzinfo=None)))
    with pytest.raises(InvalidTag, match="beyond the ends of the calendar"):
        PLAIN.encode(Booked(dt.datetime.max.replace(tzinfo=dt.timezone(dt.timedelta(hours=-5)))))


def test_an_event_is_a_json_object() -> None:
    with pytest.raises(DefinitionError, match="leave out array_like=True"):

        class Listed(Event, array_like=True, name="forms.listed"):
            item: str


WORDS = st.text(max_size=3)
SCALARS: dict[Any, Any] = {
    str: WORDS,
    int: st.integers(),
    float: st.floats(),
    bool: st.booleans(),
    Decimal: st.decimals(allow_nan=False) | st.just(Decimal("nan")),
    bytes: st.binary(max_size=3),
    uuid.UUID: st.uuids(),
    Colour: st.sampled_from(Colour),
    dt.date: st.dates(),
    dt.datetime: st.datetimes(timezones=st.timezones()) | st.datetimes(),
    dt.timedelta: st.timedeltas(),
    Address: st.builds(Address, WORDS) | st.builds(Box, WORDS, st.integers()),
    Street: st.builds(Street, WORDS) | st.builds(Lane, WORDS, st.integers()),
    Line: st.builds(Line, st.floats() | st.integers(), st.frozensets(WORDS)),
}
ANYTHING = st.one_of(*SCALARS.values())


def widened(kind: Any, values: Any) -> Any:
    """A type with containers around it, and values of it."""
    return st.sampled_from(
        [
            (kind, values),
            (kind | None, st.none() | values),
            (list[kind], st.lists(values, max_size=3) | st.tuples(values)),
            (tuple[kind, ...], st.lists(values, max_size=3).map(tuple)),
            (frozenset[kind], st.frozensets(values, max_size=4)),
            (dict[str, list[kind]], st.dictionaries(WORDS, st.lists(values, max_size=2), max_size=3)),
            (dict[str, set[kind]], st.dictionaries(WORDS, st.sets(values, max_size=3), max_size=3)),
            (Any, values | st.lists(values, max_size=2) | st.dictionaries(WORDS, values, max_size=2)),
        ]
    )


SHAPES = st.sampled_from(list(SCALARS)).flatmap(lambda kind: widened(kind, SCALARS[kind]))
MAKERS = (
    lambda fields: msgspec.defstruct("Random", list(fields.items()), frozen=True),
    lambda fields: dataclasses.make_dataclass("Random", list(fields.items()), frozen=True),
    lambda fields: attrs.make_class(
        "Random", {n: attrs.field(type=t) for n, t in fields.items()}, frozen=True
    ),
    lambda fields: pydantic.create_model(
        "Random",
        __config__=pydantic.ConfigDict(frozen=True, arbitrary_types_allowed=True),
        **cast("Any", {name: (kind, ...) for name, kind in fields.items()}),
    ),
)


@given(st.data(), st.lists(SHAPES, min_size=1, max_size=3), st.sampled_from(MAKERS))
def test_every_value_comes_back_as_the_same_bytes_or_its_field_is_named(
    data: st.DataObject, shapes: list[tuple[Any, Any]], maker: Any
) -> None:
    names = [f"field{number}" for number in range(len(shapes))]
    cls = maker(dict(zip(names, (kind for kind, _ in shapes), strict=True)))
    values = {name: data.draw(drawn) for name, (_, drawn) in zip(names, shapes, strict=True)}
    definitions.pop("forms.random", None)
    try:
        event = register(cls, name="forms.random")(**values)
    except ValueError:
        return  # pydantic judges values where it takes them
    refused = refusal(event)
    if refused:
        assert any(name in refused for name in names), refused
        return
    stored = PLAIN.encode(event)
    assert PLAIN.decode(stored) == event
    assert PLAIN.encode(PLAIN.decode(stored)) == stored


def refusal(event: Any) -> str:
    """Why it cannot be encoded; empty where it can be."""
    try:
        PLAIN.encode(event)
    except InvalidEvent as refused:
        return str(refused)
    return ""
