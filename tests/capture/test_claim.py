"""A history is a record of one database, and is written by its capture alone."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import backstory
from backstory import Database
from backstory.capture import Capture, Captured
from backstory.cli import main
from backstory.errors import RowsElsewhere, StoreRefused
from backstory.rows.kinds import kind
from backstory.transfer.clone import clone
from backstory.values.codec import PLAIN
from backstory.values.commit import EPOCH, draft
from tests.capture.databases import Site, sqlite_site


@pytest.fixture
def capture(site: Site) -> Capture:
    capture = Capture([Captured("pets", ("id",))], home=site.home)
    site.run("CREATE TABLE pets (id integer PRIMARY KEY, name text)")
    with site.begin() as tx:
        capture.install(tx)
    site.run("INSERT INTO pets VALUES (1, 'Rex')")
    return capture


def test_rows_of_another_database_are_not_written_in_main_by_anybody_else(
    site: Site, db: Database, capture: Capture
) -> None:
    pets = db.table("pets")
    drainer = capture.drainer(db, site.begin)
    drainer.drain()
    with pytest.raises(RowsElsewhere, match="pets is a record"):
        pets.update("1", name="Max")
    with pytest.raises(RowsElsewhere):
        pets.sync([("1", {"name": "Max"})])
    with pytest.raises(RowsElsewhere, match=r"undone there.* by recording\.revert\(session, commit\)"):
        db.revert("main")
    trial = db.branch("what-if")
    trial.table("pets").update("1", name="Max")
    with pytest.raises(RowsElsewhere):
        db.merge("what-if")
    with db.what_if() as imagined:
        imagined.table("pets").update("1", name="Max")
    db.table("others")["1"] = {"name": "Max"}
    site.run("UPDATE pets SET name = 'Mia'")
    drainer.drain()
    assert pets["1"] == {"name": "Mia"}


def test_what_the_log_has_already_may_come_again(site: Site, db: Database, capture: Capture) -> None:
    event = PLAIN.encode(kind("pets").inserted(key="9", row={"name": "Old"}))
    old = draft([event], id="old-9", time=EPOCH)
    [known] = db.log.append([[old]])
    capture.drainer(db, site.begin).drain()
    first, second = db.log.append([[old], [draft([event], id="new-9", time=EPOCH)]])
    assert first == known
    assert isinstance(second, RowsElsewhere)


def test_the_command_line_does_not_write_them_either(
    tmp_path: Path, site: Site, db: Database, capture: Capture, capsys: pytest.CaptureFixture[str]
) -> None:
    capture.drainer(db, site.begin).drain()
    store = str(tmp_path / "history.db")
    change = [
        "append",
        "pets.RowChanged",
        "--tag",
        "pets:1",
        "--data",
        '{"key": "1", "set": {"name": "Max"}}',
    ]
    assert main([*change, "--store", store]) != 0
    assert "pets is a record" in capsys.readouterr().err
    (tmp_path / "pets.csv").write_text("id,name\n1,Max\n")
    assert main(["import", "rows", "pets", str(tmp_path / "pets.csv"), "--key", "id", "--store", store]) != 0
    assert db.table("pets")["1"] == {"name": "Rex"}
    db.branch("what-if")
    assert main([*change, "--store", store, "--branch", "what-if"]) == 0


def test_a_clone_of_a_history_may_be_written(
    tmp_path: Path, site: Site, db: Database, capture: Capture
) -> None:
    capture.drainer(db, site.begin).drain()
    with backstory.connect(tmp_path / "clone.db") as other:
        clone(db.store, other.store)
        other.table("pets").update("1", name="Max")
        assert other.table("pets")["1"] == {"name": "Max"}


def test_two_databases_are_not_recorded_in_one_history(
    tmp_path: Path, site: Site, db: Database, capture: Capture
) -> None:
    capture.drainer(db, site.begin).drain()
    (tmp_path / "second").mkdir()
    second = sqlite_site(tmp_path / "second")
    second.run("CREATE TABLE pets (id integer PRIMARY KEY, name text)")
    with second.begin() as tx:
        capture.install(tx)
    with pytest.raises(StoreRefused, match="of another database"):
        capture.drainer(db, second.begin).drain()


def test_a_copy_of_a_database_is_refused_until_it_is_adopted(tmp_path: Path, db: Database) -> None:
    site = sqlite_site(tmp_path)
    capture = Capture([Captured("pets", ("id",))])
    site.run("CREATE TABLE pets (id integer PRIMARY KEY, name text)")
    with site.begin() as tx:
        capture.install(tx)
    site.run("INSERT INTO pets VALUES (1, 'Rex')")
    capture.drainer(db, site.begin).drain()
    (tmp_path / "copy").mkdir()
    shutil.copy(tmp_path / "app.db", tmp_path / "copy" / "app.db")
    copy = sqlite_site(tmp_path / "copy")
    site.run("UPDATE pets SET name = 'of the first'")
    copy.run("UPDATE pets SET name = 'of the copy'")
    with pytest.raises(StoreRefused, match=r"copied, restored or moved.*call adopt of the capture"):
        capture.drainer(db, copy.begin).drain()
    capture.drainer(db, site.begin).drain()
    with copy.begin() as tx:
        capture.adopt(tx, db)
    capture.drainer(db, copy.begin).drain()
    assert db.table("pets")["1"] == {"name": "of the copy"}
    site.run("UPDATE pets SET name = 'too late'")
    with pytest.raises(StoreRefused, match="of another database"):
        capture.drainer(db, site.begin).drain()


def test_a_database_that_is_adopted_for_a_branch_leaves_main_free(
    site: Site, db: Database, capture: Capture
) -> None:
    with site.begin() as tx:
        capture.adopt(tx, db.branch("trial"))
    db.table("pets")["1"] = {"name": "Max"}


def test_the_file_of_the_log_is_no_database_of_an_application(tmp_path: Path) -> None:
    file = tmp_path / "both.db"
    capture = Capture([Captured("pets", ("id",))])
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE pets (id integer PRIMARY KEY)")
    site = Site("sqlite", lambda: sqlite3.connect(file), "")
    with site.begin() as tx:
        capture.install(tx)
    other = tmp_path / "history.db"
    with backstory.connect(other, guard=False) as db:
        history = Site("sqlite", lambda: sqlite3.connect(other), "")
        with history.begin() as tx:
            tx.execute("CREATE TABLE pets (id integer PRIMARY KEY)")
            capture.install(tx)
        with pytest.raises(StoreRefused, match="file of its own"):
            capture.drainer(db, history.begin).drain()
