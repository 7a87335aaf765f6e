"""A change of a row is recorded as it was made: the row before and after, and nothing where nothing has changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backstory import Database, RowChanged
from backstory.capture import Capture, Captured
from tests.capture.databases import Site, history_of, postgres_site, sqlite_site


def drained(site: Site, db: Database, captured: Captured, *statements: str) -> list[Any]:
    """The events of statements that run with capture."""
    capture = Capture([captured], home=site.home)
    with site.begin() as tx:
        capture.install(tx)
    site.run(*statements)
    capture.drainer(db, site.begin).drain()
    return [record.event for record in db.read()]


THINGS = Captured("things", ("id",))


def test_a_change_that_changes_nothing_is_not_recorded(site: Site, db: Database) -> None:
    site.run("CREATE TABLE things (id integer PRIMARY KEY, name text)", "INSERT INTO things VALUES (1, 'a')")
    assert drained(site, db, THINGS, "UPDATE things SET name = 'a'") == []
    assert site.rows(f"SELECT count(*) FROM {site.outbox}") == [(0,)]


def test_of_many_columns_those_that_changed(site: Site, db: Database) -> None:
    names = [f"c{number}" for number in range(250)]
    site.run(
        f"CREATE TABLE things (id integer PRIMARY KEY, {', '.join(f'{name} text' for name in names)})",
        "INSERT INTO things (id, c0, c249) VALUES (1, 'first', 'last')",
    )
    [changed] = drained(site, db, THINGS, "UPDATE things SET c0 = NULL, c100 = '[null]', c249 = 'end'")
    assert changed.set == {"c0": None, "c100": "[null]", "c249": "end"}


@pytest.mark.parametrize("document", ['{"r": "1.5"}', '{"a": [1]}', "[1, 2]", "7"])
def test_json_that_sqlite_has_just_made_is_a_value_like_any_other(
    tmp_path: Path, db: Database, document: str
) -> None:
    site = sqlite_site(tmp_path)
    site.run("CREATE TABLE things (id integer PRIMARY KEY, doc json, word text, made AS (json(word)))")
    drained(
        site, db, THINGS,
        f"INSERT INTO things VALUES (1, json('{document}'), json('{document}'))",
        f"INSERT INTO things VALUES (2, '{document}', '{document}')",
        "UPDATE things SET doc = json_array(1, json(doc)), word = json_array(1, json(word))",
    )  # fmt: skip
    rows = history_of(db, "things")
    assert rows["1"] == rows["2"]
    assert rows["1"]["doc"][0] == 1
    assert rows["1"]["word"] == rows["1"]["made"] == f"[1,{document.replace(': ', ':').replace(', ', ',')}]"


def test_a_change_that_a_collation_does_not_see_is_one(tmp_path: Path, db: Database) -> None:
    site = sqlite_site(tmp_path)
    site.run(
        "CREATE TABLE things (id integer PRIMARY KEY, name text COLLATE NOCASE, line text COLLATE RTRIM)",
        "INSERT INTO things VALUES (1, 'ann', 'a')",
    )
    found = drained(site, db, THINGS, "UPDATE things SET name = 'Ann'", "UPDATE things SET line = 'a '")
    assert [event.set for event in found] == [{"name": "Ann"}, {"line": "a "}]


def test_a_change_in_a_session_of_postgresql_that_shows_values_in_another_way(
    tmp_path: Path, db: Database
) -> None:
    site = postgres_site(tmp_path)
    site.run(
        "CREATE TABLE things (id integer PRIMARY KEY, digits float8, raw bytea, moment timestamptz, day date)",
        r"INSERT INTO things VALUES (1, 0.1, '\x00', '2026-01-01 00:00Z', '2026-01-01')",
    )
    [changed] = drained(
        site, db, THINGS,
        "SET LOCAL extra_float_digits = -5", "SET LOCAL bytea_output = 'escape'", "SET LOCAL timezone = 'Asia/Tokyo'",
        "SET LOCAL datestyle = 'German'",
        r"UPDATE things SET digits = 1/3::float8, raw = '\xff00', moment = moment + '1s', day = day + 1",
    )  # fmt: skip
    assert changed.set == {
        "digits": 1 / 3, "raw": "/wA=", "moment": "2026-01-01T00:00:01Z", "day": "2026-01-02"
    }  # fmt: skip


HOSTILE = """
CREATE FUNCTION {0}(anyelement{1}) RETURNS {2} LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'called by %', current_user; END $$
"""


def test_names_that_a_session_of_postgresql_hides_are_not_called_with_the_rights_of_the_owner(
    tmp_path: Path, db: Database
) -> None:
    site = postgres_site(tmp_path)
    site.run("CREATE TABLE things (id integer PRIMARY KEY, name text)", "INSERT INTO things VALUES (1, 'a')")
    schema = site.rows("SELECT current_schema()")[0][0]
    [changed] = drained(
        site, db, THINGS,
        HOSTILE.format("row_to_json", "", "json"),
        HOSTILE.format("differ", ", anyelement", "boolean"),
        HOSTILE.format("more", ", integer", "boolean"),
        "CREATE FUNCTION current_setting(text) RETURNS text LANGUAGE sql AS 'SELECT 1 / 0'",
        "CREATE OPERATOR *<> (FUNCTION = differ, LEFTARG = anyelement, RIGHTARG = anyelement)",
        "CREATE OPERATOR = (FUNCTION = differ, LEFTARG = anyelement, RIGHTARG = anyelement)",
        "CREATE OPERATOR > (FUNCTION = more, LEFTARG = anyelement, RIGHTARG = integer)",
        "CREATE DOMAIN text AS pg_catalog.text CHECK (VALUE = 'no')",
        f"SET LOCAL search_path = {schema}, pg_catalog", "UPDATE things SET name = 'b'",
    )  # fmt: skip
    assert isinstance(changed, RowChanged)
    assert changed.set == {"name": "b"}


def test_a_name_with_quotes_is_left_out(site: Site, db: Database) -> None:
    site.run('CREATE TABLE things (id integer PRIMARY KEY, name text, "a ""\\ secret" text)')
    captured = Captured("things", ("id",), left_out=('a "\\ secret',))
    drained(
        site, db, captured, "INSERT INTO things VALUES (1, 'a', 'hunter2')", "UPDATE things SET name = 'b'"
    )
    assert history_of(db, "things") == {"1": {"name": "b"}}


def test_a_column_that_postgresql_computes_when_it_is_read_is_left_out(tmp_path: Path, db: Database) -> None:
    site = postgres_site(tmp_path)
    site.run(
        "CREATE TABLE things (id integer PRIMARY KEY, n integer, kept integer GENERATED ALWAYS AS (n * 2) STORED)",
    )
    if site.rows("SELECT current_setting('server_version_num')::integer >= 180000")[0][0]:
        site.run("ALTER TABLE things ADD COLUMN seen integer GENERATED ALWAYS AS (n * 3) VIRTUAL")
    drained(site, db, THINGS, "INSERT INTO things (id, n) VALUES (1, 1)", "UPDATE things SET n = 7")
    assert history_of(db, "things") == {"1": {"n": 7, "kept": 14}}
