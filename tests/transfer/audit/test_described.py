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
from backstory.rows.keys import key_of
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


def test_a_field_may_have_another_name_than_its_column(db: Database, made: Made) -> None:
    path, fields = made(ROWS), {"price": "cost"}
    report = take(db, f"sqlite+aiosqlite:///{path}", msgspec.structs.replace(ASKED, fields=fields))
    assert report.commits == 4  # by the driver that reads, whatever the application takes
    assert db.table("prices")["pen"] == {"cost": 1.5, "note": "Ü"}
    assert take(db, path, msgspec.structs.replace(ASKED, fields=fields)).known == 4
    with pytest.raises(SourceError, match="no column 'prise' is a field; did you mean price"):
        take(db, path, msgspec.structs.replace(ASKED, fields={"prise": "cost"}))
    with pytest.raises(SourceError, match="two columns would be the same field"):
        take(db, path, msgspec.structs.replace(ASKED, tables={"price_log": "x"}, fields={"price": "note"}))
    with pytest.raises(
        SourceError, match=r"mysql\+aiomysql is a driver for async code; name one that is not"
    ):
        take(db, "mysql+aiomysql://ann@localhost/shop", ASKED)


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
    assert (report.commits, report.skipped) == (2, 3)
    assert [str(each.error) for each in rejects] == [
        "price_log, product ink, n 1: column 'changed_at': 'yesterday' is not an ISO 8601 time",
        "price_log, product None, n 2: the row has no key: a column of it is empty",
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


def test_a_row_that_others_have_written_takes_no_older_change(db: Database, made: Made) -> None:
    take(db, made(ROWS[:2], name="before.db"), ASKED)
    prices = db.table("prices")
    prices.update("ink", price=9)
    rejects: list[Rejected] = []
    again = take(db, made(ROWS[:2], name="again.db"), ASKED, rejects)
    assert (again.known, again.skipped) == (2, 0)
    report = take(db, made(ROWS, name="after.db"), ASKED, rejects)
    assert (report.commits, report.known, report.skipped) == (1, 2, 1)
    assert "prices ink was written here by others, last at #3" in rejects[0].error.why
    assert prices["ink"] == {"price": 9, "note": "a\u0000b; DROP TABLE"}


def test_a_history_of_single_fields_and_one_of_many_tables(db: Database, tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE log (n INTEGER PRIMARY KEY, about, row, at, field, old, new, action)")
    connection.executemany(
        "INSERT INTO log (about, row, at, field, old, new, action) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            ("people", 7, "2026-03-01", "name", None, "Ann", "create"),
            ("people", 7, "2026-03-02", "city", None, "Bern", "update"),
            ("pets", 7, "2026-03-02", "name", None, "Rex", "create"),
            ("people", 7, "2026-03-03", "city", "Bern", None, "update"),
            ("pets", 7, "2026-03-04", None, None, None, "destroy"),
            ("no table's name", 7, "2026-03-04", "name", None, "x", "create"),
            ("people", 7, "2026-03-05", None, None, "Genf", "update"),
        ],
    )
    connection.commit()
    connection.close()
    asked = Asked(
        tables={"log": None},
        key=("row",),
        time="at",
        operation="action",
        pair=("field", "new"),
        named_by="about",
    )
    rejects: list[Rejected] = []
    take(db, str(path), asked, rejects)
    assert db.table("people")["7"] == {"name": "Ann", "city": None}
    assert [kind for _, kind, _ in told(db, "pets", "7")] == ["RowInserted", "RowDeleted"]
    assert "a table's name is" in rejects[0].error.why
    assert rejects[1].error.why == "column 'field': it names no field"


def test_fields_may_stand_in_a_json_column(db: Database, made: Made) -> None:
    table = "CREATE TABLE price_log (n INTEGER PRIMARY KEY, product, changed_at, data)"
    rows = [
        (1, "ink", "2026-03-01", '{"price": 5, "sizes": [1, null]}'),
        (2, "ink", "2026-03-02", "[1]"),
        (3, "ink", "2026-03-02", "{"),
        (4, "ink", "2026-03-03", '{"price": 6}'),
    ]
    asked = Asked(tables={"price_log": None}, key=("product",), time="changed_at", data="data", differs=True)
    rejects: list[Rejected] = []
    take(db, made(rows, table), asked, rejects)
    assert db.table("price_log")["ink"] == {"price": 6, "sizes": [1, None]}
    assert len(rejects) == 2


def test_a_key_of_the_history_that_is_no_number_leaves_the_order_to_the_times(
    db: Database, made: Made
) -> None:
    table = (
        "CREATE TABLE price_log (product INTEGER, changed_at TEXT, price, PRIMARY KEY (product, changed_at))"
    )
    rows = [(1, "2026-03-03", 9), (2, "2026-03-02", 3), (1, "2026-03-01", 5)]
    asked = Asked(tables={"price_log": "prices"}, key=("product",), time="changed_at")
    report = take(db, made(rows, table), asked)
    assert report.earlier == 0
    assert [commit.authored.day for commit in db.commits()] == [1, 2, 3]
    assert db.table("prices")["1"] == {"price": 9}


def test_text_that_is_no_utf_8_is_kept_as_its_bytes(db: Database, made: Made) -> None:
    path = made([(1, "ink", "2026-03-01", "a", "I", 5, None)])
    connection = sqlite3.connect(path)
    connection.execute(
        "INSERT INTO price_log VALUES (2, 'pen', '2026-03-01', 'a', 'I', 5, CAST(X'ff41' AS TEXT))"
    )
    connection.execute(
        "INSERT INTO price_log VALUES (3, CAST(X'ff' AS TEXT), '2026-03-01', 'a', 'I', 5, NULL)"
    )
    connection.commit()
    connection.close()
    report = take(db, path, ASKED)
    assert (report.commits, report.skipped) == (3, 0)
    assert db.table("prices")["pen"]["note"] == {"bytes": "/0E="}
    assert db.table("prices")[key_of({"bytes": "/w=="})] == {"price": 5, "note": None}


def test_no_rows_are_no_commits(db: Database, made: Made) -> None:
    assert take(db, made([]), ASKED).commits == 0


@pytest.mark.parametrize("url", ["old:p@host:tale@db/shop", "old:p@tale/x:tale@db/shop", "old@db:8tale/shop"])
def test_a_password_that_is_written_wrong_is_in_no_error(db: Database, url: str) -> None:
    with pytest.raises(SourceError, match="this is no URL of a database") as wrong:
        take(db, f"postgresql://{url}")
    assert "tale" not in str(wrong.value)


def test_authors_are_named_by_a_table_of_users(db: Database, made: Made) -> None:
    path = made([(1, "ink", "2026-03-01", 7, "I", 5, None), (2, "ink", "2026-03-02", 8, "U", 6, None)])
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE staff (number INTEGER PRIMARY KEY, login TEXT)")
    connection.execute("INSERT INTO staff VALUES (7, 'ann')")
    connection.commit()
    connection.close()
    take(db, path, msgspec.structs.replace(ASKED, users="staff.login"))
    assert [commit.author for commit in db.commits()] == ["ann", "8"]


def test_a_history_of_a_known_kind_may_have_any_name(db: Database, tmp_path: Path) -> None:
    path = tmp_path / "own.db"
    connection = sqlite3.connect(path)
    columns = "id INTEGER, price, history_date TEXT, history_type TEXT, history_user_id INTEGER"
    for name in ("price_changes", "other_changes"):
        connection.execute(f"CREATE TABLE {name} (history_id INTEGER PRIMARY KEY, {columns})")
    connection.executemany(
        "INSERT INTO price_changes (id, price, history_date, history_type) VALUES (?, ?, ?, ?)",
        [(7, 5, "2026-03-01", "+"), (7, 6, "2026-03-02", "~"), (7, 6, "2026-03-03", "-")],
    )
    connection.commit()
    connection.close()
    with pytest.raises(SourceError, match="two histories would be the table 'prices'"):
        take(db, str(path), Asked(tables={"price_changes": "prices", "other_changes": "prices"}))
    take(db, str(path))
    assert [kind for _, kind, _ in told(db, "price_changes", "7")] == [
        "RowInserted",
        "RowChanged",
        "RowDeleted",
    ]
