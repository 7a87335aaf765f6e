"""A row has the same fields whether its database's triggers record it, or a history table that has it is imported."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backstory import Database
from backstory.capture import Capture, Captured
from backstory.local import import_key
from backstory.transfer import Asked, load, read_audit
from tests.capture.databases import Site, postgres_site, sqlite_site
from tests.capture.test_values import POSTGRES
from tests.postgres.schemas import hasty
from tests.postgres.server import schema_of

SQLITE: list[tuple[str, list[Any]]] = [
    ("BOOLEAN", [1, 0, 7, "yes"]),
    ("BLOB", [b"", bytes(range(256)), "a text"]),
    ("TEXT", ["", "a\0b", "\U0001f600", b"bytes", 1.5]),
    ("DECIMAL(8, 2)", [1, 1.5, 1.005, -0.25, "1.10", "much"]),
    ("NUMERIC", [12, 0.1, 1e300]),
    ("DOUBLE", [0.1, 1e-320, float("inf"), float("-inf"), 3]),
    ("DATETIME", ["2026-02-03 10:11:12.5", "2026-02-03T10:11:12+01:00", "soon", 7]),
    ("DATE", ["2026-02-03", "2026-02-03 10:00", ""]),
    ("TIME", ["10:11:12.5", "10:11", "noon"]),
    ("JSON", ['{"a": [1.5, 12345678901234567890.5, null]}', "{broken", '"text"', 5]),
    ("INTEGER", [2**63 - 1, -(2**63), "7x"]),
]


def imported(db: Database, url: str, schema: str | None = None) -> dict[str, Any]:
    """The rows of `log`, by their keys."""
    asked = Asked(tables={"log": "old"}, key=("id",), time="changed_at")
    load(db.log, read_audit(url, asked, key=import_key(db.store), schema=schema))
    return {each.key: each.row for each in (record.event for record in db.read("old.RowInserted"))}


def captured(site: Site, db: Database, *statements: Any) -> dict[str, Any]:
    """The rows of `things`, by their keys."""
    capture = Capture([Captured("things", ("id",))], home=site.home)
    with site.begin() as tx:
        capture.install(tx)
    with closing(site.connect()) as connection, connection:
        for statement in statements:
            connection.execute(*statement)
    capture.drainer(db, site.begin).drain()
    return {each.key: each.row for each in (record.event for record in db.read("things.RowInserted"))}


@pytest.mark.parametrize(("type", "values"), SQLITE, ids=[type for type, _ in SQLITE])
def test_on_sqlite(tmp_path: Path, db: Database, type: str, values: list[Any]) -> None:
    site = sqlite_site(tmp_path)
    site.run(
        f"CREATE TABLE things (id integer PRIMARY KEY, c {type})",
        f"CREATE TABLE log (n integer PRIMARY KEY, id integer, c {type}, changed_at)",
    )
    rows = captured(
        site, db, *(("INSERT INTO things VALUES (?, ?)", each) for each in enumerate([*values, None]))
    )
    site.run("INSERT INTO log SELECT id, id, c, '2026-01-01' FROM things")
    assert imported(db, str(tmp_path / "app.db")) == rows
    assert len(rows) == len(values) + 1


def test_on_postgresql(tmp_path: Path, db: Database) -> None:
    site = postgres_site(tmp_path)
    columns = ", ".join(f"c{number} {type}" for number, (type, _, _) in enumerate(POSTGRES))
    site.run(
        f"CREATE TABLE things (id integer PRIMARY KEY, {columns})",
        f"CREATE TABLE log (n integer PRIMARY KEY, id integer, {columns}, changed_at timestamptz)",
    )
    values = ", ".join(sql for _, sql, _ in POSTGRES)
    [row] = captured(site, db, (f"INSERT INTO things VALUES (1, {values})",)).values()
    site.run(f"INSERT INTO log VALUES (1, 1, {values}, now() - interval '1 hour')")
    server = hasty(None)
    url = f"postgresql://postgres@/postgres?host={server.socket}&port={server.port}"
    [old] = imported(db, url, schema_of(tmp_path)).values()
    for number, (type, sql, _) in enumerate(POSTGRES):
        assert (type, sql, old[f"c{number}"]) == (type, sql, row[f"c{number}"])
