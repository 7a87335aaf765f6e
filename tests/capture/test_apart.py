"""In SQLite, programs that say nothing of their transactions are told apart, however quickly they write."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from backstory import Database
from backstory.capture import Capture, Captured
from tests.capture.databases import Site, history_of, sqlite_site


def captured(site: Site) -> Capture:
    capture = Capture([Captured("flags", ("id",))])
    site.run("CREATE TABLE flags (id integer PRIMARY KEY, state text, times integer)")
    with site.begin() as tx:
        capture.install(tx)
    site.run("INSERT INTO flags VALUES (1, 'a', 0), (2, 'a', 0)")
    return capture


def in_one_millisecond(site: Site) -> None:
    site.run("UPDATE backstory_outbox SET at = (SELECT min(at) FROM backstory_outbox)")


def test_a_revert_never_takes_back_the_work_of_two_programs(tmp_path: Path, db: Database) -> None:
    site = sqlite_site(tmp_path)
    capture = captured(site)
    capture.drainer(db, site.begin).drain()
    begin = db.head().position
    with closing(site.connect()) as one, closing(site.connect()) as other:
        one.isolation_level = other.isolation_level = None
        for number in range(20):
            state = "b" if number % 2 else "a"
            one.execute("UPDATE flags SET times = times + 1 WHERE id = 1")
            other.execute("UPDATE flags SET state = ? WHERE id = 2", (state,))
    in_one_millisecond(site)
    drained = capture.drainer(db, site.begin).drain()
    assert drained.rows == drained.commits == 39  # the first one changed nothing
    assert db.head().position == begin + 39
    assert history_of(db, "flags") == {"1": {"state": "a", "times": 20}, "2": {"state": "b", "times": 0}}
    for commit in db.commits(after=begin):
        assert len({record.event.key for record in db.events(commit)}) == commit.size == 1


def test_a_statement_and_the_trigger_of_it_stay_together_in_their_order(tmp_path: Path, db: Database) -> None:
    site = sqlite_site(tmp_path)
    capture = captured(site)
    site.run(
        "CREATE TRIGGER counts AFTER UPDATE OF state ON flags BEGIN"
        " UPDATE flags SET times = times + 1 WHERE id = NEW.id; END"
    )
    site.run(*[f"UPDATE flags SET state = '{state}'" for state in "bcabca"])
    in_one_millisecond(site)
    capture.drainer(db, site.begin).drain()
    now = {str(id): {"state": state, "times": times} for id, state, times in site.rows("SELECT * FROM flags")}
    assert history_of(db, "flags") == now
    assert {commit.size for commit in db.commits()} == {1, 2}


def test_what_a_drainer_left_behind_in_one_millisecond_is_there_once(tmp_path: Path, db: Database) -> None:
    site = sqlite_site(tmp_path)
    capture = captured(site)
    site.run("UPDATE flags SET state = 'b'", "UPDATE flags SET state = 'a'")
    in_one_millisecond(site)
    kept = site.rows("SELECT * FROM backstory_outbox")
    drainer = capture.drainer(db, site.begin)
    drainer.drain()
    with site.begin() as tx:
        tx.executemany(f"INSERT INTO backstory_outbox VALUES ({', '.join('?' * len(kept[0]))})", kept)
        tx.execute("UPDATE flags SET state = 'c' WHERE id = 1")
    in_one_millisecond(site)
    assert drainer.drain().commits == 1
    assert len(list(db.read())) == 7
    assert history_of(db, "flags")["1"] == {"state": "c", "times": 0}
    assert site.rows("SELECT count(*) FROM backstory_outbox") == [(0,)]


def test_rows_that_the_log_does_not_know_are_told_apart_too(tmp_path: Path, db: Database) -> None:
    site = sqlite_site(tmp_path)
    capture = captured(site)
    capture.drainer(db, site.begin).drain()
    site.run("ALTER TABLE flags ADD COLUMN owner text DEFAULT 'nobody'")
    with site.begin() as tx:
        capture.install(tx)
    site.run(
        *["UPDATE flags SET times = times + 1 WHERE id = 1", "UPDATE flags SET state = 'z' WHERE id = 2"] * 3
    )
    in_one_millisecond(site)
    drained = capture.drainer(db, site.begin).drain()
    assert drained.rows == drained.commits == 4
    assert history_of(db, "flags")["1"]["times"] == 3
