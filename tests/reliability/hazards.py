"""What others do to the file of a store that is open here: `python -m tests.reliability.hazards FOLDER [SCENE ...]`.

A process of its own, so that it can be run with another apsw too. Each scene raises where something was lost.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import apsw
import pytest

from backstory.errors import Conflict, StoreLocked
from backstory.store import Log, create_log, set_ref
from backstory.stores.sqlite import SqliteStore
from backstory.stores.sqlite.rows import row_digest
from backstory.values.commit import ORIGIN, Head
from backstory.values.event_data import encoded
from backstory.values.query import Condition, Query
from tests.reliability.samples import one, problems

ELSEWHERE = """
import sys
from backstory.values.event_data import encoded
from backstory.stores.sqlite import SqliteStore
from tests.reliability.samples import one
store = SqliteStore(sys.argv[1], create=False)
for id in sys.argv[2:]:
    one(store.log(), encoded("A", b"{}", ("account:a",)), id=id)
print(*(commit.id for commit in store.log().commits()), flush=True)
sys.stdin.read()
store.close()
"""

ROOT = Path(__file__).parents[2]


def append(log: Log, id: str, condition: Condition | None = None) -> None:
    """Append one small commit."""
    one(log, encoded("A", b"{}", ("account:a",)), id=id, condition=condition)


@contextmanager
def other_process(path: Path, *ids: str) -> Iterator[list[str]]:
    """Append in another process, which has the file open while the block lasts; give all ids that it sees."""
    command = [sys.executable, "-c", ELSEWHERE, str(path), *ids]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()
        process.communicate()
    assert process.returncode == 0


def elsewhere(path: Path, *ids: str) -> list[str]:
    """Append in another process, and give the ids of all commits that it sees in the end."""
    with other_process(path, *ids) as seen:
        return seen


def here(store: SqliteStore) -> list[str]:
    """The ids of all commits that this process sees."""
    return [commit.id for commit in store.log().commits()]


def drop_locks(path: Path) -> None:
    """Close a descriptor of the file: all locks of this process on it are gone."""
    path.read_bytes()


def read_with_sqlite3(path: Path) -> None:
    """Look into the file with another copy of SQLite. It takes itself for the last one, and deletes the log."""
    with closing(sqlite3.connect(path)) as other:
        other.execute("SELECT count(*) FROM events").fetchall()
    assert not path.with_name(path.name + "-wal").exists()


def opened_twice(path: Path) -> None:
    store = SqliteStore(path)
    append(store.log(), "a1")
    with closing(SqliteStore(path)) as second:
        append(second.log(), "a2")
    assert elsewhere(path, "b1") == ["a1", "a2", "b1"]
    append(store.log(), "a3")
    assert elsewhere(path, "b2") == ["a1", "a2", "b1", "a3", "b2"]
    store.close()
    assert elsewhere(path) == ["a1", "a2", "b1", "a3", "b2"]


def another_copy_closes(path: Path) -> None:
    store = SqliteStore(path, guard=False)
    append(store.log(), "a1")
    read_with_sqlite3(path)
    append(store.log(), "a2")
    assert elsewhere(path, "b1") == ["a1", "a2", "b1"]
    read_with_sqlite3(path)
    assert here(store) == ["a1", "a2", "b1"]
    store.close()
    assert elsewhere(path) == ["a1", "a2", "b1"]


def another_process_deletes_the_log(path: Path) -> None:
    store = SqliteStore(path)
    append(store.log(), "a1")
    drop_locks(path)
    read = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM refs'); c.close()"
    subprocess.run([sys.executable, "-c", read, path], check=True)
    assert elsewhere(path, "b1") == ["a1", "b1"]
    append(store.log(), "a2")
    assert elsewhere(path) == ["a1", "b1", "a2"]
    store.close()
    assert elsewhere(path) == ["a1", "b1", "a2"]


def readers_notice(path: Path) -> None:
    store = SqliteStore(path, guard=False)
    append(store.log(), "a1")
    assert here(store) == ["a1"]
    read_with_sqlite3(path)
    with other_process(path, "b1"):
        assert here(store) == ["a1", "b1"]
        assert len(list(store.log().read())) == 2
    store.close()


def decisions_see_what_came_meanwhile(path: Path) -> None:
    store = SqliteStore(path, guard=False)
    append(store.log(), "a1")
    read_with_sqlite3(path)
    with other_process(path, "b1"):
        with pytest.raises(Conflict) as conflict:
            append(store.log(), "a2", Condition(Query.of(tags=["account:a"]), 1))
        assert [event.position for event in conflict.value.events] == [2]
    store.close()
    assert elsewhere(path) == ["a1", "b1"]


def refs_and_logs_are_written_again(path: Path) -> None:
    store = SqliteStore(path, guard=False)
    set_ref(store, "note/a", "1", old=None)
    read_with_sqlite3(path)
    assert set_ref(store, "note/a", "2", old="1")
    read_with_sqlite3(path)
    number = create_log(store, ORIGIN)
    append(store.log(number), "a1")
    store.close()
    with closing(SqliteStore(path)) as again:
        assert again.refs.get("note/a") == "2"
        assert [commit.id for commit in again.log(number).commits()] == ["a1"]
        assert again.log(number).head() != Head(0, bytes(32), ORIGIN.time)


def nobody_else_writes_although_the_locks_are_gone(path: Path) -> None:
    store = SqliteStore(path, guard=False)
    append(store.log(), "a1")
    with ExitStack() as stack:
        stack.enter_context(other_process(path))  # so that sqlite3 does not take itself for the last one

        def work(writer: apsw.Connection, _again: bool) -> None:
            writer.execute("INSERT INTO refs VALUES ('note/a', '1', ?)", (row_digest("note/a", "1"),))
            with closing(sqlite3.connect(path)) as other:
                other.execute("SELECT count(*) FROM events").fetchall()
            pool.submit(stack.enter_context, other_process(path, "b1"))
            time.sleep(1)  # the other process would have written by now

        with ThreadPoolExecutor(1) as pool:
            store.file.write(work)
        assert store.refs.get("note/a") == "1"
        assert here(store) == ["a1", "b1"]
    append(store.log(), "a2")
    store.close()
    assert elsewhere(path) == ["a1", "b1", "a2"]


def closing_brings_no_old_pages_back(path: Path) -> None:
    store = SqliteStore(path, guard=False)
    append(store.log(), "a1")
    read_with_sqlite3(path)
    store.file.fetch("SELECT 1")  # nothing is read or written here from now on
    drop_locks(path)
    append(store.log(), "a2")
    drop_locks(path)
    elsewhere(path)  # folds the log into the file, and deletes it
    assert elsewhere(path, *(f"b{number}" for number in range(200)))[-1] == "b199"
    store.close()
    assert len(elsewhere(path)) == 202


def a_long_log_that_is_gone_is_not_folded(path: Path) -> None:
    store = SqliteStore(path, guard=False)
    append(store.log(), "a1")
    read_with_sqlite3(path)
    elsewhere(path, "b1")
    big = encoded("Big", b'{"text":"' + b"x" * 3_000_000 + b'"}')
    for number in range(3):
        one(store.log(), big, id=f"big-{number}")
    assert elsewhere(path, "b2") == ["a1", "b1", "big-0", "big-1", "big-2", "b2"]
    store.close()


def the_guard_knows_the_file_under_every_name(path: Path) -> None:
    store = SqliteStore(path)
    append(store.log(), "a1")
    link = path.with_name("link.db")
    link.symlink_to(path)
    os.chdir(path.parent)
    names: list[str | bytes | Path] = [
        path, str(path), os.fsencode(path), path.name, link, f"file:{path}?mode=ro", f"file://{path}",
        f"file://localhost{path}", f"file:{path.name}", f"file:{str(path).replace('.', '%2E')}?immutable=1",
    ]  # fmt: skip
    for name in names:
        with pytest.raises(StoreLocked, match="guard=False"):
            sqlite3.connect(name, uri=str(name).startswith("file:")).close()
    for allowed in (":memory:", "", "file:x?mode=memory", path.with_name("other.db")):
        sqlite3.connect(allowed, uri=str(allowed).startswith("file:")).close()
    store.close()
    sqlite3.connect(path).close()
    SqliteStore(path, guard=False).close()
    with closing(SqliteStore(path)):
        sqlite3.connect(path).close()


SCENES: dict[str, Callable[[Path], None]] = {
    scene.__name__: scene
    for scene in (
        opened_twice,
        another_copy_closes,
        another_process_deletes_the_log,
        readers_notice,
        decisions_see_what_came_meanwhile,
        refs_and_logs_are_written_again,
        nobody_else_writes_although_the_locks_are_gone,
        closing_brings_no_old_pages_back,
        a_long_log_that_is_gone_is_not_folded,
        the_guard_knows_the_file_under_every_name,
    )
}


def main(folder: Path, *names: str) -> None:
    """Play scenes, each with a store of its own, and look for damage."""
    print("apsw", apsw.apsw_version())
    for name in names or SCENES:
        path = folder / f"{name}.db"
        SCENES[name](path)
        with closing(SqliteStore(path)) as store:
            assert problems(store) == [], name
        print(name)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
