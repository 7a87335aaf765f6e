"""Times without a time zone: refused on every way into a log, by the name of the field, unless its type allows them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Generic, NamedTuple, NewType, TypeVar

import attrs
import msgspec
import pydantic
import pytest

from backstory import Event, State, Tag, command, connect, register
from backstory.errors import EventError, InvalidEvent
from backstory.testing import given
from backstory.texts.values import parsed
from backstory.transfer import load, open_input, read_jsonl
from backstory.transfer.typed import Typed, checked
from backstory.values.codec import PLAIN
from backstory.values.event_types import event_type

AWARE = dt.datetime(2026, 3, 1, 9, tzinfo=dt.UTC)
NAIVE = AWARE.replace(tzinfo=None)

OnTheWall = Annotated[dt.datetime, msgspec.Meta(tz=False)]
Moment = NewType("Moment", dt.datetime)


class Slot(msgspec.Struct, frozen=True):
    at: dt.datetime
    next: Slot | None = None


T = TypeVar("T")


class Box(msgspec.Struct, Generic[T], frozen=True):
    inner: T


class Pair(NamedTuple):
    first: dt.datetime | None
    second: int = 0


class Booked(Event, name="naive.booked"):
    room: Tag[str]
    at: dt.datetime | None = None
    wall: OnTheWall | None = None
    moments: tuple[Moment, ...] = ()
    days: dict[str, list[dt.datetime]] = {}
    slot: Slot | None = None
    pair: Pair | None = None
    some: frozenset[dt.datetime] = frozenset()
    by: dict[dt.datetime, int] = {}
    box: Box[dt.datetime] | None = None
    boxes: tuple[Box[Box[dt.datetime | None]], ...] = ()


class Room(State):
    room: Tag[str]
    booked: int = 0
    noon: dt.datetime = NAIVE  # a state may have one: it is in no log

    def apply(self, event: Booked) -> None:
        self.booked += 1


@command
def book(room: Room, at: dt.datetime, wall: OnTheWall = NAIVE) -> Booked:
    return Booked(room.room, at, wall)


@command
def book_now(room: Room) -> Booked:
    return Booked(room.room, NAIVE)


PLACES: dict[str, dict[str, Any]] = {
    "at is": {"at": NAIVE},
    "moments[1] is": {"moments": (Moment(AWARE), Moment(NAIVE))},
    "days['mon'][0] is": {"days": {"mon": [NAIVE]}},
    "slot.next.at is": {"slot": Slot(AWARE, Slot(NAIVE))},
    "pair.first is": {"pair": Pair(NAIVE)},
    "some[...] is": {"some": frozenset([NAIVE])},
    "by[datetime.datetime(2026, 3, 1, 9, 0)] is": {"by": {NAIVE: 1}},
    "box.inner is": {"box": Box(NAIVE)},
    "boxes[1].inner.inner is": {"boxes": (Box(Box(None)), Box(Box(NAIVE)))},
}


@pytest.mark.parametrize("place", PLACES)
def test_the_field_is_named_at_any_depth(place: str) -> None:
    with pytest.raises(InvalidEvent) as caught:
        PLAIN.encode(Booked("a", **PLACES[place]))
    for words in (
        f"naive.booked: {place} datetime.datetime(2026, 3, 1, 9, 0)",
        "datetime.now(UTC)",
        "now: Now",
    ):
        assert words in str(caught.value)


def test_aware_ones_are_taken_and_naive_ones_where_the_type_says_so() -> None:
    event = Booked(
        "a", AWARE, NAIVE, (Moment(AWARE),), {"mon": [AWARE]}, Slot(AWARE), Pair(AWARE), frozenset([AWARE])
    )
    assert PLAIN.decode(PLAIN.encode(event)) == event


def test_classes_of_other_libraries_have_the_same_rule() -> None:
    classes = (
        dataclasses.make_dataclass("Of", [("at", dt.datetime)], frozen=True),
        attrs.make_class("Of", {"at": attrs.field(type=dt.datetime)}, frozen=True),
        pydantic.create_model("Of", __config__=pydantic.ConfigDict(frozen=True), at=(dt.datetime, ...)),
    )
    for number, cls in enumerate(classes):
        register(cls, name=f"naive.{number}")
        PLAIN.encode(cls(at=AWARE))
        with pytest.raises(InvalidEvent, match=rf"naive\.{number}: at is .*no time zone"):
            PLAIN.encode(cls(at=NAIVE))
    wall = pydantic.create_model(
        "Wall", __config__=pydantic.ConfigDict(frozen=True), at=(pydantic.NaiveDatetime, ...)
    )
    register(wall, name="naive.wall")
    PLAIN.encode(wall(at=NAIVE))


WAYS: dict[str, Callable[[Any], Any]] = {
    "append": lambda db: db.append(Booked("a", NAIVE)),
    "an argument": lambda db: db.execute(book(Room("a"), at=NAIVE)),
    "an event of a command": lambda db: db.execute(book_now(Room("a"))),
    "preview of an argument": lambda db: db.preview(book(Room("a"), at=NAIVE)),
    "preview": lambda db: db.preview(book_now(Room("a"))),
    "given": lambda _: given(Booked("a", NAIVE)).when(book(Room("a"), at=AWARE)).then(Booked("a", AWARE, NAIVE)),
    "when": lambda _: given().when(book_now(Room("a"))).then(Booked("a", NAIVE)),
    "when with an argument": lambda _: given().when(book(Room("a"), at=NAIVE)).then(Booked("a", NAIVE, NAIVE)),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_no_way_into_a_log_takes_one(way: str) -> None:
    with connect() as db:
        with pytest.raises(InvalidEvent, match=r"(naive\.booked|book): at is datetime.*has no time zone"):
            WAYS[way](db)
        assert db.head().position == 0


def test_nor_does_an_import_that_is_checked_against_the_classes(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    lines = [
        {
            "id": name,
            "events": [{"type": "naive.booked", "tags": ["room:a"], "data": {"room": "a", "at": at}}],
        }
        for name, at in (("one", AWARE.isoformat()), ("two", NAIVE.isoformat()))
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    rejects: list[Any] = []
    with connect() as db, open_input(path) as file:
        items = checked(read_jsonl(file, key=b"k" * 32), lambda _: event_type(Booked))
        assert load(db.log, items, on_reject=rejects.append).commits == 1
    [reject] = rejects
    assert reject.error.line == 2
    assert "at is datetime" in str(reject.error)


def test_one_that_is_in_a_log_is_read(tmp_path: Path) -> None:
    with connect() as db:
        db.append(
            msgspec.structs.replace(
                PLAIN.encode(Booked("a")), data=b'{"room":"a","at":"2026-03-01T09:00:00"}'
            )
        )
        assert [record.event.at for record in db.read(Booked)] == [NAIVE]
        assert db.load(Room("a")).booked == 1


def test_a_time_on_the_wall_comes_from_a_cell_or_a_command_line_as_it_is_written() -> None:
    typed = Typed(
        event_type(Booked), lambda text: dt.datetime.strptime(text, "%d.%m.%Y").replace(tzinfo=dt.UTC)
    )
    day = typed.value("wall", "01.03.2026")
    assert typed.value("wall", "2026-03-01T09:00") == parsed("2026-03-01T09:00", OnTheWall) == NAIVE
    assert (day, typed.value("at", "01.03.2026")) == (NAIVE.replace(hour=0), AWARE.replace(hour=0))
    made = PLAIN.decode(typed.event({"room": "a", "wall": NAIVE}, []))
    assert made == Booked("a", wall=NAIVE)
    with pytest.raises(EventError, match="wall"):
        typed.event({"room": "a", "wall": typed.value("wall", "2026-03-01T09:00Z")}, [])
    with pytest.raises(ValueError, match="takes TIME, not '2026-03-01T09:00"):
        parsed("2026-03-01T09:00Z", OnTheWall)
    assert parsed("2026-03-01T09:00Z", dt.datetime) == AWARE
