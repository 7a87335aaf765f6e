"""The history has the changes of a row in the order in which they were made, whatever the order of their triggers."""

from __future__ import annotations

import random
from collections.abc import Iterator
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


@pytest.mark.parametrize("content", ["ab", "aa"])
def test_rows_that_are_alike_change_their_keys_with_each_other(
    tmp_path: Path, db: Database, content: str
) -> None:
    site = postgres_site(tmp_path)
    capture = captured(site)
    site.run(
        "ALTER TABLE words DROP CONSTRAINT words_pkey, ADD PRIMARY KEY (id) DEFERRABLE",
        *(f"INSERT INTO words VALUES ({key}, '{word}', '')" for key, word in enumerate(content, 1)),
    )
    drainer = capture.drainer(db, site.begin)
    drainer.drain()
    site.run(
        "UPDATE words SET id = 3 - id",
        "INSERT INTO words VALUES (7, 'x', '')",
        "DELETE FROM words WHERE id = 7",
    )
    drainer.drain()
    assert [db.table("words")[key]["word"] for key in ("2", "1")] == list(content)
    assert set(history_of(db, "words")) == {"1", "2"}


def test_a_row_that_is_inserted_in_the_place_of_another_one_and_written_by_a_trigger(
    tmp_path: Path, db: Database
) -> None:
    site = sqlite_site(tmp_path)
    capture = captured(site)
    site.run(*SQLITE)
    again = [f"INSERT OR REPLACE INTO words (id, word) VALUES (1, '{word}')" for word in "abb"]
    for some in ([], again[:1], again, [*again, "DELETE FROM words"], [again[0], "UPDATE words SET id = 2"]):
        site.run("INSERT OR IGNORE INTO words (id, word) VALUES (1, 'b')", *some)
        capture.drainer(db, site.begin).drain()
        rows = {
            str(key): {"word": word, "loud": loud} for key, word, loud in site.rows("SELECT * FROM words")
        }
        assert history_of(db, "words") == rows


@pytest.mark.parametrize("is_told", [False, True])
@pytest.mark.parametrize(
    "written",
    [
        ["UPDATE words SET word = 'b'"],
        ["UPDATE words SET word = 'a'", "UPDATE words SET word = 'b'"],
        ["UPDATE words SET word = 'b'", "UPDATE words SET word = 'd'"],
        ["UPDATE words SET word = 'b'", "DELETE FROM words", "INSERT INTO words VALUES (1, 'e', '')"],
    ],
    ids=len,
)
def test_a_trigger_that_inserts_another_row_in_the_place_of_its_own(
    tmp_path: Path, db: Database, written: list[str], is_told: bool
) -> None:
    site = sqlite_site(tmp_path)
    capture = captured(site)
    again = "INSERT OR REPLACE INTO words VALUES (NEW.id, 'c', '')"
    site.run(
        f"CREATE TRIGGER again AFTER UPDATE OF word ON words WHEN NEW.word = 'b' BEGIN {again}; END",
        "INSERT INTO words VALUES (1, 'x', '')",
    )
    drainer = capture.drainer(db, site.begin)
    drainer.drain()
    with site.begin() as tx:
        if is_told:
            capture.say(tx, author="ann")
        for each in written:
            tx.execute(each)
        if is_told:
            capture.hush(tx)
    drainer.drain()
    [(word,)] = site.rows("SELECT word FROM words")
    assert db.table("words")["1"]["word"] == word


def statements(chance: random.Random, dialect: str) -> Iterator[str]:
    """Some writes to rows that are few and alike."""
    for _ in range(chance.randint(1, 5)):
        key, other, word = chance.randint(1, 4), chance.randint(1, 4), chance.choice("ab")
        is_free = f"NOT EXISTS (SELECT 1 FROM words w WHERE w.id = {other + 10})"
        found = [
            f"INSERT INTO words (id, word) VALUES ({key}, '{word}') ON CONFLICT (id) DO NOTHING",
            f"UPDATE words SET word = '{word}' WHERE id = {key}",
            f"DELETE FROM words WHERE id = {key}",
            f"UPDATE words SET id = {other + 10} WHERE id = {key} AND {is_free}",
        ]
        if dialect == "sqlite":
            found.append(f"INSERT OR REPLACE INTO words (id, word) VALUES ({key}, '{word}')")
        else:
            again = f"INSERT INTO words SELECT id, '{word}' FROM gone"
            free = f"NOT EXISTS (SELECT FROM words WHERE id = {key})"  # a key that is deferrable is in no conflict
            found[0] = f"INSERT INTO words (id, word) SELECT {key}, '{word}' WHERE {free}"
            found.append("UPDATE words SET id = 5 - id WHERE id BETWEEN 1 AND 4")
            found.append(f"WITH gone AS (DELETE FROM words WHERE id = {key} RETURNING *) {again}")
        yield chance.choice(found)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_a_transaction_does_to_rows_that_are_alike(site: Site, db: Database, seed: int) -> None:
    capture = captured(site)
    if site.dialect == "postgresql":
        site.run("ALTER TABLE words DROP CONSTRAINT words_pkey, ADD PRIMARY KEY (id) DEFERRABLE")
    if seed % 2:
        site.run(*(SQLITE if site.dialect == "sqlite" else POSTGRESQL))
    chance, drainer = random.Random(seed), capture.drainer(db, site.begin)
    for _ in range(8):
        site.run(*statements(chance, site.dialect))
        if chance.random() < 0.6:
            drainer.drain()
            found = site.rows("SELECT id, word, loud FROM words")
            rows = {str(key): {"word": word, "loud": loud} for key, word, loud in found}
            assert history_of(db, "words") == rows
