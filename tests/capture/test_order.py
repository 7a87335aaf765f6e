"""The history has the changes of a row in the order in which they were made, whatever the order of their triggers."""

from __future__ import annotations

from pathlib import Path

import pytest

from backstory import Database, RowChanged, RowDeleted, RowInserted
from backstory.capture import Capture, Captured
from tests.capture.databases import Site, history_of, postgres_site, sqlite_site

AGAIN = "UPDATE words SET loud = upper(NEW.word) WHERE id = NEW.id;"
SQLITE = (
    f"CREATE TRIGGER one AFTER INSERT ON words BEGIN {AGAIN} END",
    f"CREATE TRIGGER two AFTER UPDATE OF word ON words BEGIN {AGAIN} END",
)
POSTGRESQL = (
    f"CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {AGAIN} RETURN NULL; END'",
    "CREATE TRIGGER again AFTER INSERT OR UPDATE OF word ON words FOR EACH ROW EXECUTE FUNCTION again()",
)


def captured(site: Site) -> Capture:
    capture = Capture([Captured("words", ("id",))], home=site.home)
    with site.begin() as tx:
        tx.execute("CREATE TABLE words (id integer PRIMARY KEY, word text, loud text)")
        capture.install(tx)
    return capture


def events(db: Database, key: int) -> list[tuple[type, dict[str, str]]]:
    found = [each.event for each in db.table("words").history(key)]
    return [(type(each).__mro__[1], getattr(each, "row", None) or each.set) for each in found]


@pytest.mark.parametrize("rows", [1, 3])
def test_a_trigger_of_the_application_that_writes_its_row_again_comes_after_it(
    site: Site, db: Database, rows: int
) -> None:
    capture = captured(site)
    site.run(*(SQLITE if site.dialect == "sqlite" else POSTGRESQL))
    site.run("INSERT INTO words (id, word) VALUES " + ", ".join(f"({n}, 'a')" for n in range(rows)))
    site.run("UPDATE words SET word = 'b'", "UPDATE words SET word = 'c'")
    capture.drainer(db, site.begin).drain()
    for key in range(rows):
        assert events(db, key) == [
            (RowInserted, {"word": "a", "loud": None}),
            *((RowChanged, {name: value}) for word in "abc" for name, value in step(word)),
        ]


def step(word: str) -> list[tuple[str, str]]:
    return [("word", word), ("loud", word.upper())][word == "a" :]


def test_a_row_that_makes_room_for_another_one_in_one_statement(tmp_path: Path, db: Database) -> None:
    site = postgres_site(tmp_path)
    capture = captured(site)
    site.run("INSERT INTO words VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    site.run(
        "WITH gone AS (DELETE FROM words WHERE id = 1 RETURNING 1)"
        " UPDATE words SET id = 1 WHERE id = 2 AND EXISTS (SELECT FROM gone)",
        "WITH gone AS (DELETE FROM words WHERE id = 3 RETURNING *) INSERT INTO words SELECT id, 'd' FROM gone",
    )
    capture.drainer(db, site.begin).drain()
    assert {key: row["word"] for key, row in history_of(db, "words").items()} == {"1": "b", "3": "d"}
    assert [kind for kind, _ in events(db, 1)] == [RowInserted, RowDeleted, RowInserted]


def test_rows_that_change_their_keys_with_each_other(tmp_path: Path, db: Database) -> None:
    site = postgres_site(tmp_path)
    capture = captured(site)
    site.run(
        "ALTER TABLE words DROP CONSTRAINT words_pkey, ADD PRIMARY KEY (id) DEFERRABLE",
        "INSERT INTO words VALUES (1, 'a'), (2, 'b'), (3, 'c')",
        "UPDATE words SET id = 4 - id",
        "UPDATE words SET id = id + 1",
    )
    capture.drainer(db, site.begin).drain()
    assert {key: row["word"] for key, row in history_of(db, "words").items()} == {
        "2": "c",
        "3": "b",
        "4": "a",
    }


def test_a_row_that_gives_its_key_to_one_that_is_as_it_was_before(tmp_path: Path, db: Database) -> None:
    site = postgres_site(tmp_path)
    capture = captured(site)
    site.run(
        "ALTER TABLE words DROP CONSTRAINT words_pkey, ADD PRIMARY KEY (id) DEFERRABLE",
        "INSERT INTO words VALUES (2, 'a', ''), (1, 'a', '')",
    )
    capture.drainer(db, site.begin).drain()
    site.run("UPDATE words SET word = 'b' WHERE id = 1", "UPDATE words SET id = 3 - id")
    capture.drainer(db, site.begin).drain()
    assert {key: row["word"] for key, row in history_of(db, "words").items()} == {"1": "a", "2": "b"}


def test_another_transaction_within_one_millisecond_of_sqlite(tmp_path: Path, db: Database) -> None:
    site = sqlite_site(tmp_path)
    capture = captured(site)
    site.run("INSERT INTO words VALUES (1, 'a', '')")
    with site.begin() as tx:
        capture.say(tx, author="ann")
        tx.execute("UPDATE words SET word = 'b'")
        capture.hush(tx)
    site.run("INSERT INTO words VALUES (2, 'a', '')")
    site.run("UPDATE backstory_outbox SET at = (SELECT min(at) FROM backstory_outbox)")
    capture.drainer(db, site.begin).drain()
    assert db.table("words")["1"]["word"] == "b"
    assert [commit.author for commit in db.commits()] == ["", "ann", ""]


def test_a_row_of_sqlite_that_is_inserted_in_its_own_place(tmp_path: Path, db: Database) -> None:
    site = sqlite_site(tmp_path)
    capture = captured(site)
    site.run("INSERT INTO words VALUES (1, 'a', '')")
    for _ in range(2):  # at first in one call with the row's beginning
        site.run("UPDATE words SET word = 'b'", "INSERT OR REPLACE INTO words VALUES (1, 'a', '')")
        capture.drainer(db, site.begin).drain()
        assert db.table("words")["1"]["word"] == "a"
