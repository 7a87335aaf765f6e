"""From events to bytes and back, for ever."""

from __future__ import annotations

import datetime
import enum
import uuid
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backstory.errors import InvalidEvent, UnreadableEvent
from backstory.values.codec import PLAIN
from backstory.values.event import Event, Tag, Unknown, upcast
from backstory.values.event_data import DEPTH, EventData, RecordedEvent, encoded


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Inner(msgspec.Struct, frozen=True):
    name: str
    parts: tuple[int, ...] = ()


class Everything(Event, name="test.everything"):
    text: str
    whole: int
    real: float
    flag: bool
    colour: Colour
    ident: uuid.UUID
    moment: datetime.datetime
    day: datetime.date
    length: datetime.timedelta
    price: Decimal
    raw: bytes
    inner: Inner
    inners: list[Inner]
    table: dict[str, list[int | None]]
    maybe: str | None


class Tree(Event, name="test.tree"):
    nodes: list[Any]


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
INNERS = st.builds(Inner, TEXT, st.lists(st.integers(-(2**70), 2**70)).map(tuple))
EVENTS = st.builds(
    Everything,
    text=TEXT,
    whole=st.integers(),
    real=st.floats(allow_nan=False, allow_infinity=False),
    flag=st.booleans(),
    colour=st.sampled_from(Colour),
    ident=st.uuids(),
    moment=st.datetimes(timezones=st.just(datetime.UTC)),
    day=st.dates(),
    length=st.timedeltas(datetime.timedelta(-(10**6)), datetime.timedelta(10**6)),
    price=st.decimals(allow_nan=False, allow_infinity=False),
    raw=st.binary(),
    inner=INNERS,
    inners=st.lists(INNERS, max_size=3),
    table=st.dictionaries(TEXT, st.lists(st.none() | st.integers(), max_size=3), max_size=3),
    maybe=st.none() | TEXT,
)


class Counted(Event, name="test.counted"):
    n: int


class Measured(Event, name="test.measured"):
    value: float
    more: dict[str, list[float]] = msgspec.field(default_factory=dict)


class Paid(Event, name="test.paid", version=3):
    account: Tag[str]
    cents: int
    currency: str

    @upcast(1)
    @staticmethod
    def in_cents(data: dict[str, Any]) -> dict[str, Any]:
        return {"account": data["account"], "cents": data["dollars"] * 100}

    @upcast(2)
    @staticmethod
    def with_currency(data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "currency": "USD"}


class Broken(Event, name="test.broken", version=2):
    n: int

    @upcast(1)
    @staticmethod
    def forgets_to_return(data: dict[str, Any]) -> dict[str, Any]:
        return None  # type: ignore[return-value]


@given(EVENTS)
def test_every_event_comes_back_as_it_was(event: Everything) -> None:
    stored = PLAIN.encode(event)
    assert PLAIN.decode(stored) == event
    assert PLAIN.encode(PLAIN.decode(stored)) == stored
    assert encoded(stored.type, stored.data, stored.tags, stored.version) == stored


@pytest.mark.parametrize("whole", [2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**40])
def test_whole_numbers_of_any_size_come_back(whole: int) -> None:
    assert PLAIN.decode(PLAIN.encode(Counted(whole))) == Counted(whole)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_does_not_have_are_refused(number: float) -> None:
    for event in (Measured(number), Measured(1, {"a": [1.5, number]})):
        with pytest.raises(InvalidEvent, match=r"test\.measured"):
            PLAIN.encode(event)


@pytest.mark.parametrize(
    "event",
    [
        Counted("7"),  # type: ignore[arg-type]
        Counted(None),  # type: ignore[arg-type]
        Counted(1.5),  # type: ignore[arg-type]
        Paid("a", 1, 7),  # type: ignore[arg-type]
        Paid("a", 1, "\ud800"),
        Measured(1, {"a": "b"}),  # type: ignore[dict-item]
        Measured(1, {"a": [object]}),  # type: ignore[list-item]
    ],
    ids=str,
)
def test_a_value_that_its_own_type_refuses_is_refused(event: Event) -> None:
    with pytest.raises(InvalidEvent, match=r"^test\."):
        PLAIN.encode(event)


def test_nul_is_text_like_any_other_inside_data() -> None:
    assert PLAIN.decode(PLAIN.encode(Paid("a", 1, "x\0y"))) == Paid("a", 1, "x\0y")


def test_older_versions_are_mended_through_every_upcaster_between() -> None:
    paid = Paid("a", 500, "USD")
    assert PLAIN.decode(encoded("test.paid", b'{"account":"a","dollars":5}', version=1)) == paid
    assert PLAIN.decode(encoded("test.paid", b'{"account":"a","cents":500}', version=2)) == paid
    assert PLAIN.decode(PLAIN.encode(paid)) == paid
    assert PLAIN.encode(paid).version == 3


def test_an_unknown_type_is_readable_as_raw_data_and_says_so() -> None:
    stored = encoded("never.seen", b'{"a":[1,null]}', ("x:1",), 4)
    event = PLAIN.decode(stored)
    assert isinstance(event, Unknown)
    assert (event.type, event.version, event.tags, event.data) == (
        "never.seen",
        4,
        ("x:1",),
        {"a": [1, None]},
    )
    assert "never.seen" in event.why


def test_a_newer_version_is_readable_as_raw_data_and_says_so() -> None:
    event = PLAIN.decode(encoded("test.paid", b'{"new":1}', version=9))
    assert isinstance(event, Unknown)
    assert event.data == {"new": 1}
    assert "has version 9, the class here has 3" in event.why


def test_unknown_fields_are_kept_out_of_the_way() -> None:
    assert PLAIN.decode(encoded("test.counted", b'{"later":{"a":1},"n":7}')) == Counted(7)


@pytest.mark.parametrize("data", [b"{}", b'{"n":"7"}', b'{"n":null}', b'{"n":1.5}'])
def test_data_that_does_not_fit_its_class_says_where_it_stands(data: bytes) -> None:
    record = RecordedEvent(41, 42, "test.counted", 1, (), data)
    with pytest.raises(UnreadableEvent, match=r"#41 test\.counted \(version 1\) cannot be read"):
        PLAIN.decode(record)


@pytest.mark.parametrize(
    ("type", "data"),
    [
        ("test.paid", b'{"account":"a"}'),
        ("test.paid", b'{"account":"a","dollars":"x"}'),
        ("test.broken", b"{}"),
    ],
)
def test_an_upcaster_that_fails_makes_an_unreadable_event(type: str, data: bytes) -> None:
    with pytest.raises(UnreadableEvent, match=r"version 1"):
        PLAIN.decode(encoded(type, data, version=1))


def test_what_is_encoded_already_stays_as_it_is() -> None:
    stored = encoded("any", b" {} ")
    assert PLAIN.encode(stored) is stored


def test_bytes_are_stable() -> None:
    assert PLAIN.encode(Paid("a", 5, "é")) == EventData(
        "test.paid", 3, ("account:a",), '{"account":"a","cents":5,"currency":"é"}'.encode()
    )
    assert replace(PLAIN.encode(Counted(1)), version=1).data == b'{"n":1}'


def test_an_event_that_is_nested_too_deeply_to_be_read_again_is_refused() -> None:
    nodes: list[Any] = []
    for _ in range(DEPTH - 2):
        nodes = [nodes]
    assert PLAIN.decode(PLAIN.encode(Tree(nodes))) == Tree(nodes)
    with pytest.raises(InvalidEvent, match=f"test.tree is nested deeper than {DEPTH}"):
        PLAIN.encode(Tree([nodes]))
