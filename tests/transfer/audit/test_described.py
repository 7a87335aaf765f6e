"""A history table that somebody describes: whole rows or differences, hostile values, clocks that go back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from backstory import Database, connect
from backstory.errors import SourceError
from backstory.transfer import Asked, Rejected
from tests.transfer.audit.taking import take, told

PRICES = "CREATE TABLE price_log (n INTEGER PRIMARY KEY, product, changed_at, who, op, price, note)"
ASKED = Asked(
    tables={"price_log": "prices"}, key=("product",), time="changed_at", author="who", operation="op"
)

Made = Callable[..., str]


@pytest.fixture
def db() -> Iterator[Database]:
    with connect() as db:
        yield db


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Makes a SQLite file with a table of these rows."""

    def made(rows: list[tuple[Any, ...]], table: str = PRICES, name: str = "old.db") -> str:
        path = tmp_path / name
        connection = sqlite3.connect(path)
        connection.execute(table)
        for row in rows:
            places = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO price_log VALUES ({places})", row)
        connection.commit()
        connection.close()
        return str(path)

    return made


ROWS = [
    (1, "ink", "2026-03-01 10:00", "ann", "I", 5, None),
    (2, "ink", "2026-03-02 10:00", "bob", "U", 6, "a\u0000b; DROP TABLE"),
    (3, "pen", "2026-03-02 10:00", None, "I", 1.5, "Ü"),
    (4, "ink", "2026-03-03 10:00", "ann", "D", 6, None),
]


def test_whole_rows_become_the_differences_between_them(db: Database, made: Made) -> None:
    report = take(db, made(ROWS), ASKED)
    assert (report.commits, report.skipped) == (4, 0)
    assert told(db, "prices", "ink") == [
        ("ann", "RowInserted", {"price": 5, "note": None}),
        ("bob", "RowChanged", {"price": 6, "note": "a\u0000b; DROP TABLE"}),
        ("ann", "RowDeleted", {"price": 6, "note": "a\u0000b; DROP TABLE"}),
    ]
    assert db.table("prices")["pen"] == {"price": 1.5, "note": "Ü"}


def test_differences_leave_a_field_that_is_null_as_it_was(db: Database, made: Made) -> None:
    rows = [ROWS[0], (2, "ink", "2026-03-02", "bob", "U", None, "dear")]
    asked = msgspec.structs.replace(ASKED, differs=True)
    take(db, made(rows), asked)
    assert told(db, "prices", "ink")[1] == ("bob", "RowChanged", {"note": "dear"})
    assert db.table("prices")["ink"] == {"price": 5, "note": "dear"}


def test_the_order_is_that_of_the_changes_also_where_the_clock_went_back(db: Database, made: Made) -> None:
    rows = [
        (1, "ink", "2026-03-01 10:00:02", "ann", "I", 5, None),
        (2, "ink", "2026-03-01 10:00:01", "bob", "U", 6, None),
        (3, "ink", "2026-03-01 10:00:01", "bob", "U", 7, None),
    ]
    report = take(db, made(rows), ASKED)
    assert [fields["price"] for _, _, fields in told(db, "prices", "ink")] == [5, 6, 7]
    assert report.earlier == 2
    assert [commit.authored.second for commit in db.commits()] == [2, 1, 1]


def test_each_row_that_cannot_be_understood_is_a_reject_that_names_it(db: Database, made: Made) -> None:
    rows = [
        (1, "ink", "yesterday", "ann", "I", 5, None),
        (2, None, "2026-03-01", "ann", "I", 5, None),
        (3, "pen", "2026-03-01", "ann", "I", float("inf"), None),
        (4, "cap", None, "ann", "I", 1, None),
        (5, "tin", "2026-03-01", "ann", "I", 1, None),
    ]
    rejects: list[Rejected] = []
    report = take(db, made(rows), ASKED, rejects)
    assert (report.commits, report.skipped) == (1, 4)
    assert [str(each.error) for each in rejects] == [
        "price_log, product ink, n 1: column 'changed_at': 'yesterday' is not an ISO 8601 time",
        "price_log, product None, n 2: the row has no key: a column of it is empty",
        "price_log, product pen, n 3: column 'price': inf is no number that JSON has",
        "price_log, product cap, n 4: column 'changed_at': it has no time",
    ]
    assert '"product":"ink"' in rejects[0].raw


def test_a_source_that_has_grown_adds_its_new_changes(db: Database, made: Made) -> None:
    take(db, made(ROWS[:2], name="before.db"), ASKED)
    report = take(db, made(ROWS, name="after.db"), ASKED)
    assert (report.commits, report.known) == (2, 2)
    assert "ink" not in db.table("prices")


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (Asked(), "no table is a history of simple-history, pghistory or continuum"),
        (Asked(tables={"price_lag": None}), "there is no table 'price_lag'; did you mean price_log?"),
        (Asked(tables={"price_log": None}), "say --like table, with --key and --time"),
        (Asked(tables={"price_log": None}, time="at", key=("product",)), "there is no column 'at'"),
        (Asked(tables={"price_log": None}, time="changed_at", key=("id",)), "there is no column 'id'"),
        (
            Asked(tables={"price_log": "old prices"}, time="changed_at", key=("product",)),
            "Name it: --table price_log=NAME",
        ),
    ],
)
def test_a_table_that_does_not_tell_what_it_means_is_an_error_that_says_what_to_add(
    db: Database, made: Made, asked: Asked, why: str
) -> None:
    with pytest.raises(SourceError) as told:
        take(db, made(ROWS), asked)
    assert why in str(told.value)
    assert db.head().position == 0
