"""Values go into the tables of a projection and come back the same from each database, whatever its session has set."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

import pytest

from backstory import Database, Event, Materialized, Projection, Record, State, Tag, Tx
from backstory.stores.memory import MemoryStore
from tests.projections.conftest import Opener
from tests.projections.shop import StockCounted

MOMENT = datetime(2026, 3, 1, 23, 30, 0, 120, timezone(timedelta(hours=9)))
IN_UTC = MOMENT.astimezone(UTC)

KINDS: dict[str, tuple[str, Any, Any]] = {
    "a time with a zone": ("TIMESTAMPTZ", MOMENT, IN_UTC),
    "a time without one, of a time that has it": ("TIMESTAMP", MOMENT, IN_UTC.replace(tzinfo=None)),
    "a time without a zone": ("TIMESTAMP", IN_UTC.replace(tzinfo=None), IN_UTC.replace(tzinfo=None)),
    "a date": ("DATE", date(9999, 12, 31), date(9999, 12, 31)),
    "a time of day": ("TIME", time(23, 59, 59), time(23, 59, 59)),
    "a truth": ("BOOLEAN", True, True),
    "a decimal": ("NUMERIC(12, 2)", Decimal("12345.67"), Decimal("12345.67")),
    "a whole decimal": ("DECIMAL", Decimal(7), Decimal(7)),
    "an id": ("UUID", UUID(int=7), UUID(int=7)),
    "an object": ("JSONB", {"a": [1, None, "é"]}, {"a": [1, None, "é"]}),
    "nothing": ("TIMESTAMPTZ", None, None),
}


class Kept(Projection, name="kept_value"):
    """Keeps one value, in a column of one type."""

    def __init__(self, kind: str, value: Any) -> None:
        self.tables = f"CREATE TABLE kept (value {kind})"  # type: ignore[misc]
        self.value = value

    def apply(self, event: StockCounted, tx: Tx) -> None:
        tx.execute("INSERT INTO kept VALUES (?)", (self.value,))


@pytest.mark.parametrize("what", KINDS)
def test_a_value_comes_back_as_the_type_of_its_column_says(
    connect: Opener, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "PGTZ", "Asia/Tokyo")
    kind, value, expected = KINDS[what]
    kept = Kept(kind, value)
    db = connect(inline=[kept])
    db.append(StockCounted("apple"))
    [(found,)] = db.rows(kept, "SELECT value FROM kept")
    assert found == expected
    assert type(found) is type(expected)
    if isinstance(found, datetime):
        assert found.utcoffset() == expected.utcoffset()


class Times(Projection, name="times_of_records"):
    """Keeps the times of records, as the guide does."""

    tables = "CREATE TABLE times (at TIMESTAMPTZ NOT NULL)"

    def apply(self, event: StockCounted, tx: Tx, record: Record) -> None:
        tx.execute("INSERT INTO times VALUES (?)", (record.time,))


@pytest.mark.parametrize("live", [True, False])
def test_the_time_of_a_record_comes_back_as_it_is(connect: Opener, *, live: bool) -> None:
    db = connect() if live else connect(inline=[Times])
    commit = db.append(StockCounted("apple"))
    assert db.rows(Times, "SELECT at FROM times", live=live) == [(commit.time,)]


@pytest.mark.parametrize(
    ("kind", "stored"),
    [
        ("JSONB", "[" * 100_000),
        ("JSONB", '{"a": 1e999}'),
        ("TIMESTAMPTZ", "9999-12-31 23:59:59-09:00"),
        ("TIMESTAMPTZ", "infinity"),
        ("TIMESTAMP", b"\x00\xff"),
        ("DATE", 5),
        ("TIME", "24:00:01"),
        ("NUMERIC", b"12"),
        ("NUMERIC", "twelve"),
        ("UUID", "{"),
        ("BOOLEAN", "perhaps"),
    ],
    ids=lambda each: str(each)[:20],
)
def test_what_is_not_of_the_type_of_its_column_comes_back_as_sqlite_has_it(kind: str, stored: Any) -> None:
    kept = Kept(kind, stored)
    db = Database(MemoryStore(), inline=[kept])
    db.append(StockCounted("apple"))
    assert db.rows(kept, "SELECT value FROM kept") == [(stored,)]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("1E+400", "Infinity"),
        ("1" * 40, "1.1111111111111112E+39"),
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
    ],
)
def test_a_decimal_that_sqlite_cannot_keep_exactly_is_still_a_decimal(number: str, expected: str) -> None:
    kept = Kept("NUMERIC", Decimal(number))
    db = Database(MemoryStore(), inline=[kept])
    db.append(StockCounted("apple"))
    [(found,)] = db.rows(kept, "SELECT value FROM kept")
    assert (type(found), str(found)) == (Decimal, expected)


class Remarked(Event, name="values.remarked"):
    guest: Tag[str]
    words: str


class GuestWords(State):
    guest: Tag[str]
    words: str = ""
    every: dict[str, str] = {}

    def apply(self, event: Remarked) -> None:
        self.words = event.words
        self.every = {**self.every, event.words: event.words}


class RemarksByCode(Projection, name="remarks_by_code"):
    tables = "CREATE TABLE remarks (words TEXT, every JSONB)"

    def apply(self, event: Remarked, tx: Tx) -> None:
        tx.execute("INSERT INTO remarks VALUES (?, ?)", (event.words, {event.words: event.words}))


class RemarksBySql(Projection, name="remarks_by_sql"):
    events = (Remarked,)
    tables = "CREATE TABLE declared_remarks (words TEXT)"
    sql: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("sqlite", "postgresql"), "INSERT INTO declared_remarks SELECT data->>'words' FROM events"
    )


@pytest.mark.parametrize("words", ["a\0b\0\0", "\\\0", "\\u0000 is no NUL"])
def test_a_text_that_postgresql_cannot_have_stops_no_table(connect: Opener, kind: str, words: str) -> None:
    """A NUL is in the log as it was written, and in a table of PostgreSQL as the sign for what is unknown."""
    there = words.replace("\0", "\ufffd") if kind == "postgres" else words
    db = connect(inline=[RemarksByCode, RemarksBySql, Materialized(GuestWords, index=["words"])])
    db.append(Remarked("g-1", words))
    db.append(Remarked("g-2", "later"))
    assert db.rows(RemarksByCode, "SELECT * FROM remarks WHERE words = ?", (words,)) == [
        (there, {there: there})
    ]
    assert db.rows(RemarksBySql, "SELECT words FROM declared_remarks")[0] == (there,)
    assert next((each.words, each.every) for each in db.find(GuestWords)) == (there, {there: there})
    assert db.load(GuestWords("g-1")).words == words
