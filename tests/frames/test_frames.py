"""Events, states and rows as columns: types are kept, what is marked is null, and memory is that of a batch."""

from __future__ import annotations

import csv
import enum
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from backstory import Database, Event, Personal, Secret, State, Tag, connect
from backstory.errors import UnknownTypeWarning
from backstory.history.forget.withholding import withhold
from backstory.scope import Scope, scoped
from backstory.values.masking import personal_shown

pytestmark = pytest.mark.filterwarnings(
    "ignore::backstory.ClearTextWarning", "ignore::backstory.errors.FoldedWarning"
)

LOCAL = Annotated[datetime, msgspec.Meta(tz=False)]
PLACE = ["position", "authored", "time", "author", "message", "commit"]


class Colour(enum.Enum):
    RED = "red"


class Line(msgspec.Struct, frozen=True):
    sku: str
    price: Decimal
    note: str | None = None


class Everything(Event, name="frames.everything", frozen=True):
    thing: Tag[str]
    count: int
    rate: float = 0.5
    price: Decimal = Decimal("1.10")
    at: datetime = datetime(2026, 3, 2, 9, tzinfo=timezone(timedelta(hours=2)))
    local: LOCAL = datetime(2026, 3, 2, 9)  # noqa: DTZ001 - it is to have no zone
    day: date = date(2026, 3, 2)
    hour: time = time(9, 30)
    span: timedelta = timedelta(seconds=90)
    done: bool = True
    raw: bytes = b"\0\xff"
    id: UUID = UUID(int=7)
    colour: Colour = Colour.RED
    size: Literal["s", "m"] = "s"
    maybe: int | None = None
    lines: tuple[Line, ...] = ()
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    either: int | str = "x"
    free: Any = None


class Paid(Event, name="frames.paid"):
    thing: Tag[str]
    count: int
    author: str = ""


class Named(Event, name="frames.named"):
    thing: Tag[str]
    who: Personal[str]
    word: Secret[str | None] = None


class Thing(State):
    thing: Tag[str]
    count: int = 0
    who: Personal[str] = ""

    def apply(self, event: Everything | Named) -> None:
        if isinstance(event, Everything):
            self.count += event.count
        else:
            self.who = event.who


@pytest.fixture
def db() -> Iterator[Database]:
    with connect() as db:
        yield db


def test_fields_keep_their_types_and_stand_behind_their_place_in_the_log(db: Database) -> None:
    line = Line("ink", Decimal("2.5"))
    commit = db.append(Everything("a", 5, lines=(line,), counts={"k": 1}, free={"z": [1]}), author="ann")
    frame = db.frame(Everything)
    assert frame.columns[:6] == PLACE
    [row] = frame.arrow().to_pylist()
    assert (row["position"], row["author"], row["commit"]) == (1, "ann", commit.id)
    assert row["authored"] == row["time"] == commit.authored
    types = {field.name: field.type for field in frame.arrow().schema}
    for name, type, value in (
        ("count", pa.int64(), 5),
        ("rate", pa.float64(), 0.5),
        ("price", pa.decimal128(38, 1), Decimal("1.1")),
        ("at", pa.timestamp("us", tz="UTC"), datetime(2026, 3, 2, 7, tzinfo=UTC)),
        ("local", pa.timestamp("us"), datetime(2026, 3, 2, 9)),  # noqa: DTZ001
        ("day", pa.date32(), date(2026, 3, 2)),
        ("hour", pa.time64("us"), time(9, 30)),
        ("span", pa.duration("us"), timedelta(seconds=90)),
        ("done", pa.bool_(), True),
        ("raw", pa.binary(), b"\0\xff"),
        ("id", pa.string(), str(UUID(int=7))),
        ("colour", pa.string(), "red"),
        ("size", pa.string(), "s"),
        ("maybe", pa.int64(), None),
        ("counts", pa.map_(pa.string(), pa.int64()), [("k", 1)]),
        ("either", pa.string(), '"x"'),
        ("free", pa.string(), '{"z":[1]}'),
    ):
        assert (types[name], row[name]) == (type, value), name
    assert row["lines"] == [{"sku": "ink", "price": Decimal("2.5"), "note": None}]


def test_polars_and_pandas_take_over_the_types(db: Database) -> None:
    db.append(Everything("a", 5), Everything("b", 6, maybe=2))
    frame = db.frame(Everything)
    found = frame.polars()
    assert found.schema["at"] == pl.Datetime("us", "UTC")
    assert found.schema["maybe"] == pl.Int64
    assert found["count"].sum() == 11
    assert pl.DataFrame(frame).equals(found)
    kept = frame.pandas()
    assert kept["maybe"].dtype == pd.ArrowDtype(pa.int64())
    assert kept["maybe"].isna().tolist() == [True, False]
    assert frame.pandas(numpy=True)["count"].dtype == "int64"


def test_selections_are_those_of_read(db: Database) -> None:
    db.append(Everything("a", 1))
    db.append(Everything("b", 2))
    db.append(Everything("a", 3))
    asked: list[dict[str, Any]] = [
        {"tags": ["thing:a"]},
        {"after": 1},
        {"at": 2},
        {"limit": 1},
        {"after": 3},
    ]
    counts = [db.frame(Everything, **each).polars()["count"].to_list() for each in asked]
    assert counts == [[1, 3], [2, 3], [1, 2], [1], []]
    assert len(db.frame(Thing("b"))) == 1


def test_several_classes_are_one_frame_with_their_type_and_a_name_that_is_taken_is_told_apart(
    db: Database,
) -> None:
    db.append(Everything("a", 1), Paid("b", 2, "eve"), author="ann")
    frame = db.frame(Everything | Paid).polars()
    assert frame["type"].to_list() == ["frames.everything", "frames.paid"]
    assert frame["count"].to_list() == [1, 2]
    assert frame["author"].to_list() == [None, "eve"]
    assert frame["commit_author"].to_list() == ["ann", "ann"]
    assert frame["rate"].to_list() == [0.5, None]


def test_events_of_any_type_have_their_data_as_json(db: Database) -> None:
    db.append(Paid("b", 2, "eve"), Named("b", "Ann", "open"))
    frame = db.frame().polars()
    assert frame.columns == [*PLACE, "type", "version", "tags", "data"]
    assert frame["tags"].to_list() == [["thing:b"], ["thing:b"]]
    assert frame["data"].to_list()[1] == '{"thing":"b","who":"***","word":"***"}'
    assert len(db.frame("frames.paid")) == 1


def test_what_is_marked_is_null_unless_it_is_asked_for(db: Database) -> None:
    db.append(Named("a", "Ann", "open sesame"))
    [row] = db.frame(Named).arrow().to_pylist()
    assert (row["thing"], row["who"], row["word"]) == ("a", None, None)
    with personal_shown():
        [row] = db.frame(Named).arrow().to_pylist()
        assert (row["who"], row["word"]) == ("Ann", None)
        assert db.frame(Thing).polars()["who"].to_list() == ["Ann"]
    assert db.frame(Thing).polars()["who"].to_list() == [None]


def test_a_reader_gets_what_the_scope_allows_and_nulls_for_what_it_hides(db: Database) -> None:
    db.append(Everything("a", 1))
    db.append(Everything("b", 2))
    seen = scoped(db, Scope(tags=("thing:a",), hidden=("rate",)))
    frame = seen.frame(Everything).polars()
    assert (frame["count"].to_list(), frame["rate"].to_list()) == ([1], [None])
    assert [batch.column("rate").to_pylist() for batch in seen.batches(Everything)] == [[None]]


def test_what_was_withheld_is_null(db: Database) -> None:
    commit = db.append(Paid("a", 5), Paid("b", 6))
    withhold(db.branches, commit, ["data:1"])
    assert db.frame(Paid).polars()["count"].to_list() == [None, 6]
    assert db.frame("frames.paid").polars()["data"].to_list()[0] is None


def test_states_and_rows_of_tables_are_frames_of_what_find_gives(db: Database) -> None:
    db.append(Everything("a", 5), Everything("b", 9), Named("a", "Ann"))
    things = db.frame(Thing, where="count > 4", order_by="-count", limit=1).polars()
    assert things.to_dicts() == [{"thing": "b", "count": 9, "who": None}]
    customers = db.table("customers")
    customers["c-1"] = {"name": "Ann", "age": 40, "score": 1}
    customers["c-2"] = {"name": "Bea", "score": 1.5, "labels": ["x"]}
    assert db.frame(customers).polars().to_dicts() == [
        {"key": "c-1", "name": "Ann", "age": 40, "score": 1.0, "labels": None},
        {"key": "c-2", "name": "Bea", "age": None, "score": 1.5, "labels": '["x"]'},
    ]
    assert db.frame(customers, where="age > 1", at=4).polars()["key"].to_list() == ["c-1"]


@dataclass
class Customer:
    id: int
    since: date
    balance: Decimal = Decimal(0)


def test_rows_of_a_class_have_its_types_also_where_there_are_none(db: Database) -> None:
    customers = db.table(Customer, name="frame_customers")
    empty = db.frame(customers)
    customers.insert(Customer(7, date(2026, 3, 2), Decimal("1.25")))
    frame = db.frame(customers).polars()
    assert len(empty) == 0
    assert empty.polars().schema["since"] == pl.Date
    assert frame.to_dicts() == [{"id": 7, "since": date(2026, 3, 2), "balance": Decimal("1.25")}]


def test_the_key_of_a_row_stands_beside_a_field_of_its_name(db: Database) -> None:
    odd = db.table("odd_keys")
    odd["o-1"] = {"key": "mine", "row_key": 5}
    odd["o-2"] = {}
    assert db.frame(odd).arrow().to_pylist() == [
        {"row_row_key": "o-1", "key": "mine", "row_key": 5},
        {"row_row_key": "o-2", "key": None, "row_key": None},
    ]


def test_whole_numbers_that_no_float_has_stay_exact_beside_floats(db: Database) -> None:
    odd = db.table("odd_numbers")
    odd["o-1"], odd["o-2"], odd["o-3"] = {"x": 2**53 + 1}, {"x": 0.5}, {"x": 2**1100}
    assert [row["x"] for row in db.frame(odd).arrow().to_pylist()] == [str(2**53 + 1), "0.5", str(2**1100)]
    odd["o-2"] = {"x": 2}
    with pytest.raises(ValueError, match=r"column 'x': .* does not fit int64"):
        db.frame(odd)


def test_batches_stream_with_one_schema(db: Database) -> None:
    db.append(*[Everything("a", number, price=Decimal(number) / 8) for number in range(10)])
    batches = list(db.batches(Everything, size=4))
    assert [batch.num_rows for batch in batches] == [4, 4, 2]
    assert {batch.schema for batch in batches} == {batches[0].schema}
    assert pa.Table.from_batches(batches).column("price").to_pylist()[3] == Decimal("0.375")
    [none] = db.batches(Paid)
    assert none.num_rows == 0


def test_a_value_that_a_column_cannot_hold_is_named(db: Database) -> None:
    db.append(Everything("a", 2**64))
    with pytest.raises(ValueError, match="column 'count': 18446744073709551616 does not fit int64"):
        db.frame(Everything)


def test_a_condition_is_for_states(db: Database) -> None:
    with pytest.raises(TypeError, match="where, order_by and commit are for states"):
        db.frame(Everything, where="count > 1")


def test_a_notebook_shows_the_first_rows_escaped(db: Database) -> None:
    db.append(*[Everything(f"<b>{number}", number) for number in range(20)])
    html = db.frame(Everything)._repr_html_()
    assert "&lt;b&gt;9" in html
    assert "&lt;b&gt;10" not in html
    assert repr(db.frame(Everything)).startswith("<Frame of 20 rows: position int64, ")


def test_the_history_of_rows_says_who_changed_which_field_from_what_and_why(
    db: Database, tmp_path: Path
) -> None:
    orders = db.table("audited_orders")
    orders.insert("17", {"status": "open", "lines": [1]}, author="ann", message="by phone")
    orders.insert("18", {}, author="ann")
    orders.patch("17", {"status": None}, ["lines"], author="bea", message='paid, "cash"')
    orders.delete("17", author="cy")
    told = ["key", "change", "field", "before", "after", "author", "message"]
    inserted = [("17", "inserted", "status", None, "open"), ("17", "inserted", "lines", None, "[1]")]
    rest = [
        ("17", "changed", "status", "open", "null", "bea", 'paid, "cash"'),
        ("17", "changed", "lines", "[1]", None, "bea", 'paid, "cash"'),
        ("17", "deleted", "status", "null", None, "cy", None),
    ]
    of_17 = [*((*each, "ann", "by phone") for each in inserted), *rest]
    frame = db.frame(orders.row("17"))
    assert frame.polars().select(told).rows() == of_17
    assert frame.polars()["commit"][0] == next(db.commits()).id
    every = db.frame(orders, history=True)
    assert every.polars().select(told).rows() == [
        *of_17[:2],
        ("18", "inserted", None, None, None, "ann", None),
        *rest,
    ]
    assert len(db.frame(orders, history=True, at="main~1")) == 5
    frame.polars().write_csv(tmp_path / "polars.csv")
    frame.csv(tmp_path / "own.csv")
    read = pl.read_csv(tmp_path / "own.csv", infer_schema=False)
    assert read.select(told).rows() == of_17
    assert (read["time"][0], len(read)) == (
        frame.arrow()["time"][0].as_py().isoformat().replace("+00:00", "Z"),
        5,
    )


def test_the_history_of_rows_goes_on_behind_what_was_withheld(db: Database) -> None:
    orders = db.table("withheld_orders")
    commit = orders.insert("17", {"status": "open", "note": "x"})
    orders.update("17", status="paid")
    withhold(db.branches, commit, ["data:1"])
    frame = db.frame(orders.row("17")).polars()
    assert frame.select("change", "field", "before", "after").rows() == [
        ("withheld", None, None, None),
        ("changed", "status", None, "paid"),
    ]


def test_the_history_of_rows_is_of_a_table_and_takes_no_filter(db: Database) -> None:
    with pytest.raises(TypeError, match=r"goes with a table, db.table\('orders'\)"):
        db.frame("orders", history=True)
    with pytest.raises(TypeError, match="takes at=: filter the frame"):
        db.frame(db.table("orders"), history=True, limit=3)
    db.table("orders").insert("17", {})
    with pytest.warns(UnknownTypeWarning, match=r"are a table: db.table\('orders'\)"):
        db.frame("orders")
    with pytest.raises(TypeError, match="goes with one table"):
        db.frame(history=True)


def test_any_frame_is_written_as_csv(db: Database, tmp_path: Path) -> None:
    db.append(Everything("a", 5, lines=(Line("x", Decimal(2)),)), author="ann", message="why")
    db.frame(Everything).csv(tmp_path / "typed.csv")
    [row] = csv.DictReader((tmp_path / "typed.csv").read_text().splitlines())
    assert (row["message"], row["price"], row["done"], row["day"]) == ("why", "1.1", "true", "2026-03-02")
    [line] = json.loads(row["lines"])
    assert {**line, "price": Decimal(line["price"])} == {"sku": "x", "price": 2, "note": None}
    db.frame().csv(tmp_path / "all.csv")
    [row] = csv.DictReader((tmp_path / "all.csv").read_text().splitlines())
    assert (row["author"], row["tags"]) == ("ann", '["thing:a"]')


def test_the_history_of_rows_holds_nothing_that_a_scope_does_not_have() -> None:
    with connect("memory:") as db:
        people = db.table("people")
        for key in ("p-1", "p-2"):
            people[key] = {"name": f"name of {key}", "email": f"mail of {key}"}
            people.update(key, email=f"new mail of {key}")
        people.delete("p-1")
        seen = scoped(db, Scope(tags=("people:p-1",), hidden=("email",)))
        rows = seen.frame(seen.table("people"), history=True).polars().rows(named=True)
    assert {row["key"] for row in rows} == {"p-1"}
    assert [row["field"] for row in rows] == ["name", "email", "email", "name", "email"]
    assert "mail" not in " ".join(f"{row['before']} {row['after']}" for row in rows)
