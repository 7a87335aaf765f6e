"""Tables of objects: rows of a dataclass, a struct, an attrs class or a pydantic model come back as they were."""

from __future__ import annotations

import dataclasses
import uuid
import warnings
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

import attrs
import msgspec
import pydantic
import pytest

from backstory import Database, Personal, Table, connect
from backstory.errors import DefinitionError, DuplicateRow, FoldedWarning, InvalidEvent, UnreadableEvent


@dataclasses.dataclass
class Plain:
    id: str
    name: str
    since: date
    price: Decimal = Decimal("1.50")
    tags: list[str] = dataclasses.field(default_factory=list)
    fax: str | None = None


class Struct(msgspec.Struct):
    id: str
    name: str
    since: date
    price: Decimal = Decimal("1.50")
    tags: list[str] = []
    fax: str | None = None


@attrs.define
class Attrs:
    id: str
    name: str
    since: date
    price: Decimal = Decimal("1.50")
    tags: list[str] = attrs.field(factory=list)
    fax: str | None = None


class Model(pydantic.BaseModel):
    id: str
    name: str
    since: date
    price: Decimal = Decimal("1.50")
    tags: list[str] = []
    fax: str | None = None


KINDS: list[Any] = [Plain, Struct, Attrs, Model]
DAY = date(2026, 11, 3)


@pytest.fixture
def db() -> Any:
    with connect() as db:
        yield db


@pytest.mark.parametrize("cls", KINDS)
def test_an_object_comes_back_as_it_was(db: Database, cls: Any) -> None:
    table = db.table(cls, name="things")
    thing = cls(id="t-1", name="Ann", since=DAY, tags=["a"])
    table.insert(thing)
    assert table["t-1"] == thing
    assert table.get("t-2") is None
    assert table.put(thing) is None
    table["t-1"] = cls(id="t-1", name="Ann", since=DAY, price=Decimal("2.00"))
    assert table["t-1"].price == Decimal("2.00")
    assert [sorted(record.event.set) for record in list(table.history("t-1"))[1:]] == [["price", "tags"]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FoldedWarning)
        assert table.find("name == 'Ann' and price == '2.00'") == [table["t-1"]]


@pytest.mark.parametrize("cls", KINDS)
def test_a_field_is_changed_in_the_type_that_the_class_says(db: Database, cls: Any) -> None:
    table = db.table(cls, name="things")
    table.insert(cls(id="t-1", name="Ann", since=DAY))
    table.update("t-1", since=date(2026, 12, 1), fax=None)
    table.patch("t-1", {"price": Decimal("3.25")})
    assert (table["t-1"].since, table["t-1"].price) == (date(2026, 12, 1), Decimal("3.25"))
    with table.edit("t-1") as thing:
        thing.tags.append("new")
    assert table["t-1"].tags == ["new"]
    for wrong in ({"since": "soon"}, {"nmae": "x"}, {"id": "t-2"}, {"name": 7}):
        with pytest.raises(InvalidEvent):
            table.patch("t-1", wrong)
    assert table["t-1"].tags == ["new"]


@pytest.mark.parametrize("cls", KINDS)
def test_what_another_version_of_the_class_wrote_is_kept(db: Database, cls: Any) -> None:
    newer, table = db.table("things"), db.table(cls, name="things")
    newer["t-1"] = {"name": "Ann", "since": "2026-11-03", "colour": "red"}
    assert table["t-1"] == cls(id="t-1", name="Ann", since=DAY)
    table.update("t-1", name="Bea")
    with table.edit("t-1") as thing:
        thing.fax = "1"
    table["t-1"] = cls(id="t-1", name="Cy", since=DAY)
    assert newer["t-1"]["colour"] == "red"
    newer["t-2"] = {"since": "2026-11-03"}
    with pytest.raises(UnreadableEvent, match=r"(?s)row t-2 of things is no .*name"):
        table.get("t-2")


@pytest.mark.parametrize(("kind", "key"), [(int, 7), (uuid.UUID, uuid.UUID(int=7)), (str, "7")])
def test_a_key_has_the_type_of_its_field(db: Database, kind: Any, key: Any) -> None:
    cls = dataclasses.make_dataclass("Numbered", [("id", kind), ("at", datetime)])
    thing = cls(key, datetime(2026, 11, 3, tzinfo=UTC))
    table: Table[Any] = db.table(cls)
    table.insert(thing)
    assert (table.name, table[key], table[str(key)]) == ("numbered", thing, thing)


def test_a_dict_of_the_fields_is_checked_by_the_class(db: Database) -> None:
    table = db.table(Plain)
    table.put({"id": "t-1", "name": "Ann", "since": DAY})
    assert table["t-1"] == Plain("t-1", "Ann", DAY)
    with pytest.raises(InvalidEvent, match="plain is no Plain"):
        table.put({"id": "t-1", "name": 7, "since": DAY})
    with pytest.raises(InvalidEvent, match="an object of Plain, not of Struct"):
        table.put(Struct("t-1", "Ann", DAY))  # type: ignore[arg-type]


def test_a_number_that_json_does_not_have_is_never_written_as_null(db: Database) -> None:
    class Measured(msgspec.Struct):
        id: str
        value: float | None = None

    table = db.table(Measured)
    table.insert(Measured("m-1", 1.5))
    writes: list[Any] = [
        lambda: table.update("m-1", value=float("inf")),
        lambda: table.put({"id": "m-1", "value": float("nan")}),
        lambda: table.put(Measured("m-1", float("nan"))),
    ]
    for write in writes:
        with pytest.raises(InvalidEvent, match="NaN"):
            write()
    assert table["m-1"].value == 1.5


def test_a_field_is_named_as_in_the_class_or_as_it_is_written(db: Database) -> None:
    class Renamed(msgspec.Struct, rename="camel"):
        id: str
        full_name: str = ""

    class Aliased(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(serialize_by_alias=True, validate_by_name=True)
        id: str
        full_name: str = pydantic.Field(default="", alias="fullName")

    for cls in (Renamed, Aliased):
        table: Table[Any] = db.table(cls, unique=["full_name"])
        table.insert(cls(id="r-1"))
        table.update("r-1", full_name="Ann")
        assert (table["r-1"].full_name, table.unique) == ("Ann", ("fullName",))
        table.update("r-1", fullName="Bea")
        assert db.table(table.name)["r-1"] == {"fullName": "Bea"}
        with pytest.raises(DuplicateRow):
            table.insert(cls(id="r-2", **{("full_name" if cls is Renamed else "fullName"): "Bea"}))


def test_a_key_that_is_a_text_with_a_rule_stays_a_text(db: Database) -> None:
    class Ruled(msgspec.Struct):
        id: Annotated[str, msgspec.Meta(max_length=5)]

    table = db.table(Ruled)
    table.insert(Ruled("007"))
    assert table["007"] == Ruled("007")


def test_a_class_that_cannot_be_rows_is_refused(db: Database) -> None:
    class Marked(msgspec.Struct):
        id: str
        name: Personal[str]

    class Keyless(msgspec.Struct):
        name: str

    class Array(msgspec.Struct, array_like=True):
        id: str

    for cls, why in (
        (Array, "as an array"),
        (Marked, "marked"),
        (Keyless, "which row it is"),
        (int, "no class of rows"),
    ):
        with pytest.raises(DefinitionError, match=why):
            db.table(cls)
    assert db.table(Keyless, key="name").name == "keyless"
    with pytest.raises(DefinitionError, match="no field 'nmae' to be unique"):
        db.table(Keyless, key="name", unique=["nmae"])


def test_a_key_of_more_digits_than_python_reads_is_named_with_its_row() -> None:
    class Numbered(msgspec.Struct):
        id: int

    with connect("memory:") as db:
        db.table("numbered")["9" * 5000] = {}
        with pytest.raises(UnreadableEvent, match="row 999"):
            db.table(Numbered).get("9" * 5000)
