"""The rows that a table had before: copied a page at a time, beside those who write."""

from __future__ import annotations

import pytest

from backstory import Database
from backstory.capture import Capture, Captured
from tests.capture.databases import Site, history_of


@pytest.fixture
def capture(site: Site) -> Capture:
    """A table of ten rows, whose capture has just been installed."""
    capture = Capture([Captured("stock", ("id",))], home=site.home)
    site.run("CREATE TABLE stock (id integer PRIMARY KEY, name text)")
    site.run(*(f"INSERT INTO stock VALUES ({n}, 'n{n}')" for n in range(10)))
    with site.begin() as tx:
        capture.install(tx)
    return capture


def test_rows_that_were_there_are_copied_once_in_commits_of_bounded_size(
    site: Site, db: Database, capture: Capture
) -> None:
    assert capture.copy(site.begin, rows=4, author="ops") == 10
    assert capture.copy(site.begin, rows=4) == 0
    capture.drainer(db, site.begin).drain()
    assert [commit.size for commit in db.commits()] == [4, 4, 2]
    assert {commit.author for commit in db.commits()} == {"ops"}
    assert db.table("stock")["7"] == {"name": "n7"}


def test_a_page_of_no_rows_is_refused_and_ends_no_copy(site: Site, db: Database, capture: Capture) -> None:
    with pytest.raises(ValueError, match="at least one row, not 0"):
        capture.copy(site.begin, rows=0)
    assert capture.copy(site.begin) == 10


def test_what_is_written_before_its_row_is_copied_is_neither_lost_nor_there_twice(
    site: Site, db: Database, capture: Capture
) -> None:
    site.run("UPDATE stock SET name = 'early' WHERE id = 8", "DELETE FROM stock WHERE id = 9")
    site.run("INSERT INTO stock VALUES (20, 'new')")
    drainer = capture.drainer(db, site.begin)
    drainer.drain()
    capture.copy(site.begin, rows=5)
    drainer.drain()
    stock = db.table("stock")
    assert stock["8"] == {"name": "early"}
    assert "9" not in stock
    assert [type(record.event).__name__ for record in stock.history("20")] == ["RowInserted"]
    assert set(history_of(db, "stock")) == {*"012345678", "20"}


def test_changes_while_rows_are_copied_begin_with_the_row_as_it_was(
    site: Site, db: Database, capture: Capture
) -> None:
    [table] = capture.tables
    with site.begin() as tx:
        copying = capture._copying(tx, table)
        copying.begin(tx, again=False)
        assert copying.page(tx, 3, lambda: None) == 3
    site.run("UPDATE stock SET name = 'changed' WHERE id IN (1, 8)", "DELETE FROM stock WHERE id = 9")
    drainer = capture.drainer(db, site.begin)
    drainer.drain()
    stock = db.table("stock")
    for key in ("1", "8"):
        kinds = [type(record.event).__name__ for record in stock.history(key)]
        assert kinds == ["RowInserted", "RowChanged"]
    assert [type(record.event).__name__ for record in stock.history("9")] == ["RowInserted", "RowDeleted"]
    assert capture.copy(site.begin, rows=3) == 6
    drainer.drain()
    assert [type(record.event).__name__ for record in stock.history("8")] == ["RowInserted", "RowChanged"]
    assert len(history_of(db, "stock")) == 9


def test_a_column_that_is_new_is_filled_by_another_copy(site: Site, db: Database, capture: Capture) -> None:
    capture.copy(site.begin)
    drainer = capture.drainer(db, site.begin)
    drainer.drain()
    site.run("ALTER TABLE stock ADD COLUMN place text DEFAULT 'A'")
    with site.begin() as tx:
        capture.install(tx)
    site.run("UPDATE stock SET name = 'x' WHERE id = 1")
    capture.copy(site.begin)
    drainer.drain()
    assert db.table("stock")["7"] == {"name": "n7", "place": "A"}
    assert db.table("stock")["1"] == {"name": "x", "place": "A"}


def test_a_column_that_is_gone_or_has_another_name_is_taken_out_by_another_copy(
    site: Site, db: Database
) -> None:
    site.run("CREATE TABLE stock (id integer PRIMARY KEY, name text, old text)")
    capture = Capture([Captured("stock", ("id",))], home=site.home)
    with site.begin() as tx:
        capture.install(tx)
    capture.copy(site.begin)
    site.run(*(f"INSERT INTO stock VALUES ({n}, 'n{n}', 'x')" for n in range(3)))  # nobody drains meanwhile
    with site.begin() as tx:
        capture.remove(tx)
    site.run("ALTER TABLE stock RENAME COLUMN name TO label", "ALTER TABLE stock DROP COLUMN old")
    with site.begin() as tx:
        capture.install(tx)
    site.run("UPDATE stock SET label = 'new' WHERE id = 1", "INSERT INTO stock VALUES (7, 'n7')")
    drainer = capture.drainer(db, site.begin)
    drainer.drain()
    assert db.table("stock")["2"] == {"name": "n2", "old": "x"}
    capture.copy(site.begin)
    drainer.drain()
    assert history_of(db, "stock") == {
        key: {"label": label} for key, label in (("0", "n0"), ("1", "new"), ("2", "n2"), ("7", "n7"))
    }
    assert [type(record.event).__name__ for record in db.table("stock").history("7")] == ["RowInserted"]


def test_rows_without_a_whole_key_are_copied_too(site: Site, db: Database) -> None:
    site.run("CREATE TABLE tagged (post integer, tag text)")
    site.run("INSERT INTO tagged VALUES (1, 'a'), (1, 'b/c'), (2, NULL), (NULL, NULL), (2, '')")
    capture = Capture([Captured("tagged", ("post", "tag"))], home=site.home)
    with site.begin() as tx:
        capture.install(tx)
    assert capture.copy(site.begin, rows=2) == 5
    capture.drainer(db, site.begin).drain()
    keys = set(history_of(db, "tagged"))
    assert keys == {"1/a", "1/%b%2Fc", "2/%0", "%0/%0", "2/%"}
