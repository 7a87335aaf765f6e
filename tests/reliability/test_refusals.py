"""What cannot be opened or written says so in its own words, and nothing half-written stays behind."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from backstory.errors import (
    BackstoryError,
    NewerFormat,
    NotAStore,
    StoreCorrupt,
    StoreError,
    StoreExists,
    StoreFull,
    StoreLocked,
    StoreMissing,
    StoreReadOnly,
)
from backstory.store import set_ref
from backstory.stores.sqlite import SqliteStore
from backstory.values.event_data import encoded
from backstory.values.query import Query
from tests.reliability.processes import ROOT
from tests.reliability.samples import contents, deposited, one, problems, sample

NOBODY = 65534
"""A user who owns nothing, for what root may do all the same."""

BIG = b'{"text":"' + b"x" * 200_000 + b'"}'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return sample(tmp_path / "history.db")


def text(path: Path) -> None:
    path.write_text("This is a letter, and it is longer than the header of a database would be.\n" * 3)


def short_text(path: Path) -> None:
    path.write_text("x")


def other_application(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE t (a); PRAGMA application_id = 1")


def truncated(path: Path) -> None:
    shutil.copy(sample(path.with_suffix(".whole")), path)
    with path.open("r+b") as file:
        file.truncate(60)


@pytest.mark.parametrize("make", [text, short_text, other_application, Path.mkdir])
def test_a_file_that_is_no_store_is_refused_and_left_as_it_was(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    path = tmp_path / "thing.db"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    for create in (None, False):
        with pytest.raises(NotAStore, match=r"thing\.db"):
            SqliteStore(path, create=create)
    assert (path.read_bytes() if path.is_file() else None) == before
    assert [file.name for file in tmp_path.iterdir()] == ["thing.db"]


def test_a_database_of_another_application_without_an_id_is_not_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "thing.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE customers (name)")
    with pytest.raises(NotAStore, match=r"thing\.db"):
        SqliteStore(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("customers",)]


def test_a_file_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "thing.db"
    truncated(path)
    with pytest.raises((NotAStore, StoreCorrupt), match=r"thing\.db"):
        SqliteStore(path)


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    path.touch()
    with closing(SqliteStore(path)) as store:
        assert store.log().head().position == 0


def test_a_store_of_a_newer_format_is_refused_with_what_to_do(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(NewerFormat, match=r"format 99.*upgrade"):
        SqliteStore(path)


def test_a_store_that_is_missing_is_not_made_by_asking_for_it(tmp_path: Path) -> None:
    with pytest.raises(StoreMissing, match="backstory init"):
        SqliteStore(tmp_path / "history.db", create=False)
    with pytest.raises(StoreMissing, match="folder"):
        SqliteStore(tmp_path / "nowhere" / "history.db")
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_there_is_not_made_again(path: Path) -> None:
    with pytest.raises(StoreExists, match=r"history\.db"):
        SqliteStore(path, create=True)


def test_a_writer_waits_for_another_no_longer_than_it_was_told(path: Path) -> None:
    # apsw, not sqlite3: two SQLite libraries in one process do not see each other's locks.
    with closing(apsw.Connection(str(path))) as other, closing(SqliteStore(path, timeout=0.05)) as store:
        before = contents(store)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreLocked, match=r"history\.db.*another process"):
            one(store.log(), deposited(1), id="late")
        with pytest.raises(StoreLocked):
            set_ref(store, "a", "1", old=None)
        assert contents(store) == before
        other.execute("ROLLBACK")
        assert one(store.log(), deposited(1), id="late").position == 151


def test_a_writer_goes_on_once_the_other_is_done(path: Path) -> None:
    code = (
        "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('BEGIN IMMEDIATE'); print('held', flush=True); time.sleep(0.2); c.execute('ROLLBACK')"
    )
    with (
        subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE) as holder,
        closing(SqliteStore(path)) as store,
    ):
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert one(store.log(), deposited(1), id="late").position == 151


def full(store: SqliteStore) -> int:
    """Append until no space is left; return how many commits went in."""
    for number in range(1_000):
        try:
            one(store.log(), encoded("Big", BIG, (f"big:{number}",)), id=f"big-{number}")
        except StoreFull:
            return number
    raise AssertionError("the disk was never full")


def test_a_file_that_may_not_grow_is_full_and_can_be_used_after(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        store.file.write(lambda writer, _: writer.pragma("max_page_count", writer.pragma("page_count") + 300))
        went_in = full(store)
        assert went_in > 0
        assert store.log().head().position == 150 + went_in
        assert problems(store) == []
        assert len(list(store.log().read(Query.of(["Big"])))) == went_in
        one(store.log(), deposited(1), id="small")
        store.file.write(lambda writer, _: writer.pragma("max_page_count", 1_000_000))
        one(store.log(), encoded("Big", BIG), id=f"big-{went_in}")
        assert problems(store) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"NOT TESTED ON A FULL DISK: only root can mount one ({mounted.stderr.strip()})")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_keeps_what_was_acknowledged_and_can_be_used_after(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(400_000))
    path = small_disk / "history.db"
    with closing(SqliteStore(path)) as store:
        went_in = full(store)
        assert 0 < went_in < 10
        assert problems(store) == []
        assert store.log().head().position == went_in
        ballast.unlink()
        one(store.log(), encoded("Big", BIG), id=f"big-{went_in}")
        assert problems(store) == []
    with closing(SqliteStore(path)) as store:
        assert [commit.id for commit in store.log().commits()] == [
            f"big-{number}" for number in range(went_in + 1)
        ]
        assert problems(store) == []


def test_a_store_cannot_be_made_on_a_full_disk(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes(2 * 1024 * 1024 - 16 * 1024))
    with pytest.raises(StoreFull, match=r"history\.db"):
        SqliteStore(small_disk / "history.db")
    (small_disk / "ballast").unlink()
    with closing(SqliteStore(small_disk / "history.db")) as store:
        one(store.log(), deposited(1), id="one")
        assert problems(store) == []


USE = """
import hashlib, os, sys
from datetime import UTC, datetime
from backstory.values.commit import draft
from backstory.errors import BackstoryError
from backstory.values.event_data import encoded
from backstory.store import append, set_ref
from backstory.stores.sqlite import SqliteStore

warm, path, what, user = sys.argv[1:]
SqliteStore(warm).close()  # loads what is loaded late: the user may not be allowed to
if user != "0":
    os.setgroups([])
    os.setgid(int(user))
    os.setuid(int(user))
try:
    store = SqliteStore(path)
    if what == "write":
        append(store.log(), draft([encoded("A", b"{}")], id="late", time=datetime.now(UTC)))
    print(len(list(store.log().read())))
    store.close()
except BackstoryError as error:
    print(type(error).__name__, error)
"""


def as_nobody(path: Path, what: str) -> str:
    """Use a store as a user who owns nothing, who is root's other self; return what came of it."""
    warm = path.parents[1] / f"warm-{path.parent.name}.db"
    command = [sys.executable, "-c", USE, str(warm), str(path), what, str(NOBODY if os.getuid() == 0 else 0)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Path]:
    """A folder that others may enter, with a store that they may read and write."""
    for folder in (tmp_path, *tmp_path.parents[:3]):
        mode = folder.stat().st_mode  # that of the folder of all temporary files stays as it is
        if folder.stat().st_uid == os.getuid() and not mode & 0o001:
            folder.chmod(mode | 0o055)
    path = sample(tmp_path / "history.db")
    path.chmod(0o666)
    tmp_path.chmod(0o777)
    yield path
    tmp_path.chmod(0o755)


def test_a_store_that_may_be_written_is_written_by_another_user(shared: Path) -> None:
    assert as_nobody(shared, "write") == "151"


def test_a_file_that_may_only_be_read_refuses_writes(shared: Path) -> None:
    shared.chmod(0o444)
    assert as_nobody(shared, "write").startswith("StoreReadOnly")
    shared.chmod(0o666)
    assert as_nobody(shared, "read") == "150"


def test_a_file_that_may_not_be_read_says_so(shared: Path) -> None:
    shared.chmod(0o000)
    assert as_nobody(shared, "read").startswith("StoreReadOnly")


def test_a_folder_that_may_not_be_written_refuses_writes(shared: Path) -> None:
    shared.parent.chmod(0o555)
    assert as_nobody(shared, "write").startswith("StoreReadOnly")
    assert as_nobody(shared.parent / "new.db", "write").startswith("StoreReadOnly")


def test_every_refusal_is_one_of_ours_and_names_the_file() -> None:
    for error in (
        NotAStore,
        NewerFormat,
        StoreExists,
        StoreFull,
        StoreLocked,
        StoreMissing,
        StoreReadOnly,
        StoreCorrupt,
    ):
        assert issubclass(error, StoreError)
        assert issubclass(error, BackstoryError)


def test_a_process_without_a_file_left_says_so(path: Path) -> None:
    script = """
import os, resource, sys
from backstory.stores.sqlite import SqliteStore

resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
held = []
try:
    while True:
        held.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    pass
SqliteStore(sys.argv[1])
"""
    ran = subprocess.run(
        [sys.executable, "-c", script, path], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert f"StoreError: {path}: this process has as many files open as it may; see ulimit -n" in ran.stderr
