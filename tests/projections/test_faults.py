"""Faults: processes that die at any statement, disks that are full, sessions that are cut, stores that are put back."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from backstory import Database, Record, Tx, connect
from backstory.errors import Behind, ProjectionError
from backstory.projections import operate
from backstory.projections.feed import Step
from backstory.projections.homes import FilesHome
from backstory.stores.postgres import PostgresStore
from backstory.values.event_data import EventData
from tests.postgres.schemas import schemas
from tests.projections.conftest import Opener, without_views
from tests.projections.shop import ALL, OrderPaid, OrderPlaced, Orders
from tests.projections.test_runner import feed_of, standing, to_end

DYING = """
import os, signal, sys
address, work, at = sys.argv[1], sys.argv[2], int(sys.argv[3])
from backstory import connect
from tests.projections.shop import Orders
from backstory.stores.sqlite.tables import SqliteTransaction
from backstory.stores.postgres.tables import PostgresTransaction
count = 0
def dying(method):
    def call(*arguments):
        global count
        count += 1
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return method(*arguments)
    return call
for kind in (SqliteTransaction, PostgresTransaction):
    for name in ("execute", "executemany", "rows"):
        setattr(kind, name, dying(getattr(kind, name)))
with connect(address) as db:
    if work == "run":
        with db.run(Orders, lease=0.2):
            db.wait(Orders, timeout=60)
    else:
        db.rebuild(Orders)
print(count)
"""

ROOT = Path(__file__).parents[2]


def dies(address: str, work: str, at: int) -> int | None:
    """Do this work in a process that is killed at a statement; the number of statements if it came to its end."""
    ran = subprocess.run(
        [sys.executable, "-c", DYING, address, work, str(at)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert ran.returncode in (0, -9), ran.stderr
    return int(ran.stdout) if ran.returncode == 0 else None


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store that processes share."""
    if request.param == "sqlite":
        return str(tmp_path / "shop.db")
    store: PostgresStore = without_views(schemas().open(tmp_path))
    return schemas()._server.address(store.server.address.schema)


@pytest.mark.parametrize("work", ["run", "rebuild"])
def test_a_process_may_die_at_any_statement(address: str, work: str, long: bool) -> None:
    with connect(address) as db:
        db.append(OrderPlaced("o-0", 0))
        to_end(feed_of(db, Orders))
        total = dies(address, work, 0)
        assert total is not None
        for at in range(1, total + 1, 1 if long else 1 + total // 6):
            db.append(OrderPlaced(f"o-{at}", at), OrderPaid("o-0"))
            db.append(OrderPaid(f"o-{at}"))
            dies(address, work, at)
            with db.run(Orders, lease=0.2):
                db.wait(Orders, timeout=60)
            assert db.rows(Orders, ALL) == db.rows(Orders, ALL, live=True)


def test_a_full_disk_stops_nothing_for_good(connect: Opener, kind: str) -> None:
    if kind != "sqlite":
        pytest.skip("only a file of our own can be made full")
    db = connect()
    db.append(OrderPlaced("o-0", 0))
    feed = feed_of(db, Orders)
    to_end(feed)
    assert isinstance(feed.home, FilesHome)
    writer = feed.home._file(1)._writer
    assert writer is not None
    [(pages,)] = writer.connection.execute("PRAGMA page_count").fetchall()
    writer.connection.execute(f"PRAGMA max_page_count = {pages}").fetchall()
    db.append(*(OrderPlaced(f"o-{number}-{'x' * 100}", number) for number in range(1, 500)))
    with pytest.raises(apsw.FullError):
        to_end(feed)
    assert len(db.rows(Orders, ALL)) == 1
    writer.connection.execute("PRAGMA max_page_count = 100000").fetchall()
    assert to_end(feed) is Step.AT_END
    assert len(db.rows(Orders, ALL)) == 500


def test_a_store_that_was_put_back_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with connect(str(path)) as db:
        db.append(OrderPlaced("o-1", 1))
    shutil.copy(path, tmp_path / "backup.db")
    with connect(str(path)) as db:
        db.append(OrderPlaced("o-2", 2))
        to_end(feed_of(db, Orders))
    for name in ("shop.db", "shop.db-wal", "shop.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "backup.db", path)
    with connect(str(path)) as db:
        feed = feed_of(db, Orders)
        assert to_end(feed) is Step.KEPT
        assert feed.row.state == "diverged"  # it is ahead of the log
        db.append(OrderPlaced("o-3", 3))
        with pytest.raises(ProjectionError, match="another history"):
            db.rows(Orders, ALL)
        with pytest.raises(Behind, match="it is diverged"):
            db.wait(Orders, timeout=3_600)
        db.rebuild(Orders)
        assert db.rows(Orders, ALL) == [("o-1", 1, "placed"), ("o-3", 3, "placed")]


def test_a_session_that_is_cut_is_no_more_than_a_pause(connect: Opener, kind: str) -> None:
    if kind != "postgres":
        pytest.skip("there is no session to cut")
    db = connect()
    with db.run(Orders):
        db.append(OrderPlaced("o-1", 1))
        db.wait(Orders, timeout=60)
        schemas()._admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND application_name = 'backstory'"
        )
        db.append(OrderPlaced("o-2", 2))
        db.wait(Orders, timeout=60)
    assert len(db.rows(Orders, ALL)) == 2


def test_a_batch_that_takes_longer_than_its_lease_is_applied_once(
    connect: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied: list[int] = []
    plain = Orders.apply

    def slow(self: Orders, event: OrderPlaced | OrderPaid, tx: Tx, record: Record) -> None:
        plain(self, event, tx, record)
        time.sleep(0.3)
        applied.append(record.position)

    monkeypatch.setattr(Orders, "apply", slow)
    db, other = connect(), connect()
    db.append(OrderPlaced("o-1", 1))
    with db.run(Orders, lease=0.1), other.run(Orders, lease=0.1):
        db.wait(Orders, timeout=60)
        db.append(OrderPaid("o-1"))
        db.wait(Orders, timeout=60)
    assert db.rows(Orders, ALL) == [("o-1", 1, "paid")]


def test_a_reader_over_a_swap_sees_the_old_rows_or_the_new_ones(
    connect: Opener, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "memory":
        pytest.skip("a reader of a store in memory lets nobody write")
    db = connect(inline=[Orders])
    db.append(OrderPlaced("o-1", 1))
    home = db.views.home(db.views.group_of(Orders))
    with home.reading() as found:
        assert found is not None
        thread = threading.Thread(target=lambda: db.rebuild(Orders))
        thread.start()
        thread.join()
        db.append(OrderPlaced("o-2", 2))
        assert found[1].rows("SELECT id FROM orders") == [("o-1",)]
    assert len(db.rows(Orders, ALL)) == 2
    assert standing(db, Orders).generation == 2
    operate.prune(db.views, db.views.group_of(Orders))
    assert len(home.rows()) == 1


@pytest.mark.parametrize("order", list(itertools.permutations(["pause", "rebuild", "resume"])), ids="-".join)
def test_pause_rebuild_and_resume_come_in_any_order(connect: Opener, order: tuple[str, ...]) -> None:
    db = connect()
    db.append(OrderPlaced("o-1", 1))
    to_end(feed_of(db, Orders))
    group = db.views.group_of(Orders)
    verbs: dict[str, Callable[[], Any]] = {
        "pause": lambda: operate.pause(db.views, group),
        "rebuild": lambda: db.rebuild(Orders),
        "resume": lambda: operate.resume(db.views, group),
    }
    for verb in order:
        verbs[verb]()
        db.append(OrderPaid("o-1"))
        assert db.rows(Orders, "SELECT id FROM orders") == [("o-1",)]
    operate.resume(db.views, group)
    with db.run(Orders):
        db.wait(Orders, timeout=60)
    assert db.rows(Orders, ALL) == [("o-1", 1, "paid")]


def test_data_that_do_not_fit_their_class_stop_it(connect: Opener) -> None:
    db = connect()
    db.append(EventData("shop.placed", 1, ("order:o-2",), b'{"order":"o-2"}'))
    feed = feed_of(db, Orders)
    assert to_end(feed) is Step.KEPT
    assert (feed.row.position, feed.row.state) == (0, "stopped")
    assert "missing required field `cents`" in feed.row.why


def test_checkpoints_do_not_come_along_with_a_clone(tmp_path: Path) -> None:
    from backstory.transfer.clone import clone

    with connect(str(tmp_path / "shop.db"), inline=[Orders]) as db:
        db.append(OrderPlaced("o-1", 1))
        with connect(str(tmp_path / "copy.db")) as copy:
            clone(db.store, copy.store)
            assert (
                operate.standings(copy.views, [copy.views.group_of(Orders)], copy.branches.clock())[0].state
                == "never run"
            )
            copy.rebuild(Orders)
            assert copy.rows(Orders, ALL) == [("o-1", 1, "placed")]


def test_a_large_commit_is_visible_whole(connect: Opener, long: bool) -> None:
    db = connect()
    size = 100_000 if long else 3_000
    db.append(*(OrderPlaced(f"o-{number}", number) for number in range(size)))
    feed = feed_of(db, Orders)
    assert feed.step() is Step.MOVED
    assert feed.row.position == size


def test_a_database_that_is_closed_ends_what_it_runs(tmp_path: Path) -> None:
    db: Database = connect(str(tmp_path / "shop.db"))
    with db.run(Orders):
        db.close()
