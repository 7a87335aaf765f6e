"""Hearing of what other processes append to a file: by the system, and without it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from backstory.conformance.sample import one
from backstory.stores.sqlite import SqliteStore, watch
from backstory.stores.sqlite.notices import Inotify, Notices, notices
from backstory.waiting import wait_beyond
from tests.patience import PATIENCE

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="inotify is Linux's")


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Notices]:
    """The notices of a file that is followed."""
    path = tmp_path / "file"
    path.write_bytes(b"first")
    found = notices(str(path))
    found.follow(path.stat().st_ino)
    yield found
    found.close()


@linux
def test_each_write_is_told_and_so_is_the_one_to_a_file_that_came_in_its_place(told: Notices) -> None:
    assert isinstance(told, Inotify)
    path = Path(told.path)
    for content in (b"second", b"third"):
        path.write_bytes(content)
        assert told.wait(PATIENCE)
        while told.wait(0):
            pass
        path.unlink()
        assert told.wait(PATIENCE)
        told.follow(0)
        path.write_bytes(b"again")
        assert not told.wait(0)
        told.follow(path.stat().st_ino)


@linux
def test_a_wait_for_notices_is_ended_by_another_thread(told: Notices) -> None:
    threading.Timer(0.01, told.wake).start()
    assert not told.wait(PATIENCE)


LONG = 10 * PATIENCE
"""Seconds between looks of somebody who is only woken."""


@linux
def test_a_watch_that_looks_no_more_by_itself_is_woken_as_the_system_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asleep, called = threading.Event(), threading.Event()

    class Told(Inotify):
        def wait(self, seconds: float) -> bool:
            if seconds == LONG:
                asleep.set()
            return super().wait(seconds)

    monkeypatch.setattr(watch, "notices", Told)
    monkeypatch.setattr(watch, "QUIET", LONG)
    path = str(tmp_path / "log.db")
    with closing(SqliteStore(path)) as store:
        end = store.watch(called.set)
        for number in range(2):
            asleep.clear()
            assert asleep.wait(PATIENCE)
            called.clear()
            write(copy(path), number)
            assert called.wait(PATIENCE)
        end()


@pytest.mark.parametrize("hears", [notices, Notices], ids=["as the system tells", "told of nothing"])
def test_appends_of_another_copy_wake_those_who_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hears: type[Notices]
) -> None:
    monkeypatch.setattr(watch, "notices", hears)
    path = str(tmp_path / "log.db")
    with closing(SqliteStore(path)) as store:
        called = threading.Event()
        end = store.watch(called.set)
        for position in range(1, 6):
            called.clear()
            write(copy(path), position)
            assert called.wait(PATIENCE)
            one(store.log())
            assert wait_beyond(store, store.log(), position - 1, PATIENCE) == position
        end()


def test_an_ended_watch_leaves_no_thread_and_no_file_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 0
    for _ in range(3):
        with closing(SqliteStore(tmp_path / "log.db")) as store:
            store.watch(lambda: None)
    assert not [each for each in threading.enumerate() if each.name == "backstory watch"]
    if before:
        assert len(list(Path("/proc/self/fd").iterdir())) == before


def copy(path: str) -> apsw.Connection:
    """Another connection to the file, as another process would have it."""
    connection = apsw.Connection(path)
    connection.set_busy_timeout(10_000)
    return connection


def write(connection: apsw.Connection, number: int) -> None:
    """A commit that changes the file: SQLite writes nothing for a row that gets the value that it has."""
    connection.execute("INSERT INTO refs VALUES (?, 'x', zeroblob(32))", (f"note/{number}",))
    assert connection.changes() == 1
