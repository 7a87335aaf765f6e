"""No value is lost on its way through the outbox: what is in the database comes out of the history."""

from __future__ import annotations

import base64
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backstory import Database
from backstory.capture import Capture, Captured, Column
from backstory.rows.forms import formed
from tests.capture.databases import Site, history_of, postgres_site, sqlite_site


def recorded(site: Site, db: Database, capture: Capture, *statements: str) -> dict[str, Any]:
    """The rows of a table `things`, after statements that run with capture."""
    with site.begin() as tx:
        capture.install(tx)
    site.run(*statements)
    capture.drainer(db, site.begin).drain()
    return history_of(db, "things")


def test_sqlite_keeps_anything_in_any_column_and_so_does_the_history(tmp_path: Path, db: Database) -> None:
    site = sqlite_site(tmp_path)
    site.run(
        "CREATE TABLE things (id INTEGER PRIMARY KEY, a, j JSON, b BLOB, n NUMERIC, t TEXT, twice AS (a || a))"
    )
    capture = Capture([Captured("things", ("id",), (Column("n", kind="decimal", scale=2),))])
    with site.begin() as tx:
        capture.install(tx)
    bytes_, wrong = bytes(range(256)), b"\xff\xfe"
    values: list[Any] = [
        2**63 - 1,
        -(2**63),
        0.1,
        1 / 3,
        1e-320,
        float("inf"),
        float("-inf"),
        "a\0b",
        "",
        "é😀\"'\n",
        None,
    ]
    with closing(site.connect()) as connection, connection:
        for number, value in enumerate(values):
            connection.execute("INSERT INTO things (id, a) VALUES (?, ?)", (number, value))
        connection.execute(
            "INSERT INTO things (id, j, b, n, t) VALUES (50, ?, ?, 1.5, CAST(? AS TEXT))",
            ('{"a": [1.5, 12345678901234567890123, "\\u0000"]}', bytes_, wrong),
        )
        connection.execute(
            "INSERT INTO things (id, j, b, n, t) VALUES (51, '{broken', 'text', 'text', ?)", (wrong,)
        )
    capture.drainer(db, site.begin).drain()
    rows = history_of(db, "things")
    found = [rows[str(number)]["a"] for number in range(len(values))]
    assert found == [
        "Infinity" if v == float("inf") else "-Infinity" if v == float("-inf") else v for v in values
    ]
    assert rows["0"]["twice"] == f"{2**63 - 1}" * 2
    assert rows["50"] == {
        "a": None,
        "j": {"a": [1.5, 12345678901234567890123, "\0"]},
        "b": base64.b64encode(bytes_).decode(),
        "n": "1.50",
        "t": {"bytes": base64.b64encode(wrong).decode()},
        "twice": None,
    }
    assert rows["51"]["j"] == {"text": "{broken"}
    assert rows["51"]["b"] == {"text": "text"}
    assert rows["51"]["n"] == "text"
    assert rows["51"]["t"] == {"bytes": base64.b64encode(wrong).decode()}


POSTGRES: list[tuple[str, str, Any]] = [
    ("bigint", "9223372036854775807", 2**63 - 1),
    ("numeric", "1.10", "1.10"),
    ("numeric", "12345678901234567890.123456789012345678901", "12345678901234567890.123456789012345678901"),
    ("numeric", "'NaN'", "NaN"),
    ("float8", "0.1", 0.1),
    ("float8", "'-Infinity'", "-Infinity"),
    ("float8", "'NaN'", "NaN"),
    ("bytea", r"'\x00ff'", "AP8="),
    ("boolean", "true", True),
    ("date", "'2026-02-03'", "2026-02-03"),
    ("date", "'infinity'", "infinity"),
    ("time", "'10:11:12.5'", "10:11:12.500000"),
    ("timestamp", "'2026-02-03 10:11:12.000001'", "2026-02-03T10:11:12.000001"),
    ("timestamptz", "'2026-02-03 10:11:12+05:30'", "2026-02-03T04:41:12Z"),
    ("interval", "'1 year 2 days 3.5 seconds'", "P1Y2DT3.5S"),
    ("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("jsonb", """'{"a": [1, 2.5, "x", null]}'""", {"a": [1, 2.5, "x", None]}),
    ("json", "'\"a text\"'", "a text"),
    ("json", "'12345678901234567890.5'", "12345678901234567890.5"),
    ("integer[]", "'{{1,2},{3,NULL}}'", [[1, 2], [3, None]]),
    ("numeric[]", "'{1.10}'", ["1.10"]),
    ("bytea[]", r"ARRAY['\x00'::bytea]", ["AA=="]),
    ("interval[]", "'{1 year 2 days, NULL}'", ["P1Y2D", None]),
    ("timestamptz[]", "'{2026-02-03 10:11:12+05:30}'", ["2026-02-03T04:41:12Z"]),
    ("date[]", "'{infinity}'", ["infinity"]),
    ("jsonb[]", """ARRAY['{"a": [1.5]}'::jsonb]""", [{"a": [1.5]}]),
    ("int4range[]", "ARRAY['[1,5)'::int4range]", ["[1,5)"]),
    ("timetz", "'10:11:12+02'", "10:11:12+02"),
    ("int4range", "'[1,5)'", "[1,5)"),
    ("inet", "'10.0.0.1/8'", "10.0.0.1/8"),
    ("text", "E'é😀\"\\n'", 'é😀"\n'),
]


def test_each_type_of_postgresql_comes_through_whatever_the_session_has_set(
    tmp_path: Path, db: Database
) -> None:
    site = postgres_site(tmp_path)
    columns = ", ".join(f"c{number} {type}" for number, (type, _, _) in enumerate(POSTGRES))
    site.run(
        f"CREATE TABLE things (id integer PRIMARY KEY, {columns}, twice integer GENERATED ALWAYS AS (id * 2) STORED)"
    )
    values = ", ".join(sql for _, sql, _ in POSTGRES)
    strange = (
        "SET LOCAL datestyle = 'German'", "SET LOCAL intervalstyle = 'sql_standard'",
        "SET LOCAL timezone = 'Asia/Tokyo'",
        "SET LOCAL bytea_output = 'escape'", "SET LOCAL extra_float_digits = -5",
    )  # fmt: skip
    rows = recorded(
        site,
        db,
        Capture([Captured("things", ("id",))], home=site.home),
        *strange,
        f"INSERT INTO things VALUES (1, {values})",
    )
    found = rows["1"]
    for number, (type, sql, expected) in enumerate(POSTGRES):
        assert (type, sql, found[f"c{number}"]) == (type, sql, expected)
    assert found["twice"] == 2


def test_json_that_no_log_can_have_stops_nobody(site: Site, db: Database) -> None:
    site.run("CREATE TABLE things (id integer PRIMARY KEY, j json, t text)")
    capture = Capture([Captured("things", ("id",))], home=site.home)
    deep, half = "[" * 3000 + "]" * 3000, r'{"a": "\ud800", "b\udfff": [1.0]}'
    rows = recorded(
        site, db, capture,
        f"INSERT INTO things VALUES (1, '{deep}', '[[\"\\')", f"INSERT INTO things VALUES (2, '{half}', '{deep}')",
        "INSERT INTO things VALUES (3, '[[1, \"a\"], {}]', '')",
    )  # fmt: skip
    assert rows["1"] == {"j": {"text": deep}, "t": '[["\\'}
    assert rows["2"] == {"j": {"a": {"escaped": r"\ud800"}, r"b\udfff": [1.0]}, "t": deep}
    assert rows["3"] == {"j": [[1, "a"], {}], "t": ""}


@pytest.mark.parametrize(
    ("stored", "field"),
    [(12.5, "12.50"), (1e30, f"{10**30}.00"), (10**18, f"{10**18}.00"), (0.1 + 0.2, "0.30000000000000004")],
)
def test_a_decimal_that_sqlite_keeps_as_another_number_is_text_whatever_its_size(
    stored: float, field: str
) -> None:
    assert formed(stored, "decimal", 2) == field


def test_names_that_need_quotes_and_that_triggers_use_themselves(site: Site, db: Database) -> None:
    site.run(
        'CREATE TABLE "the ""things""" (id integer PRIMARY KEY, backstory_row text, layout text, "a b" text, tx text)'
    )
    captured = Captured('the "things"', ("id",), (Column("a b", "ab"),), history="things")
    capture = Capture([captured], home=site.home)
    rows = recorded(site, db, capture, "INSERT INTO \"the \"\"things\"\"\" VALUES (1, 'r', 's', 'a', 't')")
    assert rows == {"1": {"backstory_row": "r", "layout": "s", "ab": "a", "tx": "t"}}
    assert capture.copy(site.begin) == 1
    capture.drainer(db, site.begin).drain()
    assert db.head().position == 1


def test_triggers_are_known_of_a_table_whose_name_ends_with_a_quote(tmp_path: Path) -> None:
    site = sqlite_site(tmp_path)
    site.run('CREATE TABLE "pets""" (id integer PRIMARY KEY)')
    capture = Capture([Captured('pets"', ("id",), history="pets")])
    with site.begin() as tx:
        capture.install(tx)
        assert capture.check(tx) == []


def test_a_column_that_is_left_out_is_nowhere(site: Site, db: Database, tmp_path: Path) -> None:
    site.run("CREATE TABLE things (id integer PRIMARY KEY, name text, password text)")
    capture = Capture([Captured("things", ("id",), left_out=("password",))], home=site.home)
    with site.begin() as tx:
        capture.install(tx)
    site.run("INSERT INTO things VALUES (1, 'Ann', 'hunter2')", "UPDATE things SET password = 'hunter3'")
    assert not any("hunter" in str(row) for row in site.rows(f"SELECT old, new FROM {site.outbox}"))
    capture.drainer(db, site.begin).drain()
    assert history_of(db, "things") == {"1": {"name": "Ann"}}
    assert len(list(db.read())) == 1


def test_a_table_with_many_columns_is_captured(site: Site, db: Database) -> None:
    names = [f"c{number}" for number in range(300)]
    site.run(
        f"CREATE TABLE things (id integer PRIMARY KEY, {', '.join(f'{name} integer' for name in names)})"
    )
    capture = Capture([Captured("things", ("id",))], home=site.home)
    rows = recorded(site, db, capture, f"INSERT INTO things VALUES (1, {', '.join(map(str, range(300)))})")
    assert rows["1"] == {name: number for number, name in enumerate(names)}


def test_the_key_of_a_row_may_change(site: Site, db: Database) -> None:
    site.run("CREATE TABLE things (id integer PRIMARY KEY, name text)")
    capture = Capture([Captured("things", ("id",))], home=site.home)
    rows = recorded(
        site, db, capture,
        "INSERT INTO things VALUES (1, 'a'), (2, 'b')", "UPDATE things SET id = id + 10",
        "UPDATE things SET id = 1 WHERE id = 12",
    )  # fmt: skip
    assert rows == {"1": {"name": "b"}, "11": {"name": "a"}}


def test_truncate_deletes_each_row_of_the_history(tmp_path: Path, db: Database) -> None:
    site = postgres_site(tmp_path)
    site.run("CREATE TABLE things (id integer PRIMARY KEY)")
    capture = Capture([Captured("things", ("id",))], home=site.home)
    assert recorded(site, db, capture, "INSERT INTO things VALUES (1), (2)", "TRUNCATE things") == {}
    assert len(list(db.read())) == 4


def test_rows_of_a_partitioned_table_are_captured_wherever_they_are_written(
    tmp_path: Path, db: Database
) -> None:
    site = postgres_site(tmp_path)
    site.run(
        "CREATE TABLE things (id integer PRIMARY KEY, name text) PARTITION BY RANGE (id)",
        "CREATE TABLE low PARTITION OF things FOR VALUES FROM (0) TO (10)",
    )
    capture = Capture([Captured("things", ("id",))], home=site.home)
    rows = recorded(
        site, db, capture,
        "CREATE TABLE high PARTITION OF things FOR VALUES FROM (10) TO (20)",
        "INSERT INTO things VALUES (1, 'a'), (2, 'b')",
        "INSERT INTO high VALUES (11, 'c')", "UPDATE things SET id = 12 WHERE id = 1", "DELETE FROM low",
    )  # fmt: skip
    assert rows == {"11": {"name": "c"}, "12": {"name": "a"}}


def test_a_column_that_is_dropped_or_renamed_breaks_no_write_of_the_application(
    tmp_path: Path, db: Database
) -> None:
    site = postgres_site(tmp_path)
    site.run("CREATE TABLE things (id integer PRIMARY KEY, name text, town text)")
    capture = Capture([Captured("things", ("id",), (Column("town", "city"),))], home=site.home)
    rows = recorded(
        site, db, capture,
        "INSERT INTO things VALUES (1, 'a', 'Basel')", "ALTER TABLE things DROP COLUMN name",
        "ALTER TABLE things ADD COLUMN new text", "UPDATE things SET new = 'x', town = 'Bern'",
    )  # fmt: skip
    assert rows["1"]["city"] == "Bern"
    assert rows["1"]["new"] == "x"
