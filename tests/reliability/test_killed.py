"""A process that is killed in the middle of a verb leaves all of it or nothing: before each statement that it makes."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from backstory import connect
from backstory.history.check.verify import verify
from backstory.history.merge.merge import Options
from backstory.history.refs.branches import Branches
from backstory.stores.sqlite import SqliteStore, connecting, connections
from backstory.transfer import clone
from tests.history.ledger import Book, draw, enter

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="NOT TESTED: this system does not fork")


def prepared(path: Path) -> None:
    """A store with a branch that conflicts with main in one commit, and one that does not."""
    with closing(connect(str(path))) as db:
        db.execute(enter(Book("a"), 5))
        side, other = db.branch("side"), db.branch("other")
        side.execute(draw(Book("a"), 4))
        side.execute(enter(Book("b"), 2))
        other.execute(enter(Book("c"), 3))
        db.execute(draw(Book("a"), 3))


def merge(path: Path) -> None:
    """What it left out belongs to it."""
    with closing(connect(str(path))) as db:
        assert db.merge("side", Options(resolution="skip")).done


def rebase(path: Path) -> None:
    with closing(connect(str(path))) as db:
        assert db.switch("other").rebase("main").done


def keep(path: Path) -> None:
    with closing(connect(str(path))) as db, db.what_if() as trial:
        trial.execute(enter(Book("d"), 1))
        trial.execute(enter(Book("d"), 2))
        trial.keep("kept")


def mark(path: Path) -> None:
    with closing(connect(str(path))) as db:
        db.mark("q3", message="closed")


def delete(path: Path) -> None:
    with closing(connect(str(path))) as db:
        db.merge("side", Options(resolution="skip"))
        db.branches.delete("side")


def copy(path: Path) -> None:
    with closing(SqliteStore(path)) as source, closing(SqliteStore(path.with_name("copy.db"))) as target:
        clone(source, target, batch=1)


def unit(path: Path) -> None:
    with closing(connect(str(path))) as db, db.atomic() as tx:
        tx.execute(enter(Book("d"), 5))
        tx.execute(draw(Book("d"), 4))


def picture(path: Path) -> Any:
    """All that a store means: what each name leads to, what merges left out, and what the reflog tells."""
    with closing(SqliteStore(path)) as store:
        assert verify(store).problems == []
        branches = Branches(store)
        return (
            {name: [commit.id for commit in branches.log(name).commits()] for name in branches.names()},
            {mark.name: mark.position for mark in branches.marks()},
            {name: len(branches.settled(name)) for name in branches.names()},
            [(entry.kind, entry.name) for entry in branches.reflog.read()],
        )


def told(found: Any) -> Any:
    """The same without ids, which are others each time."""
    logs, *rest = found
    return {name: len(ids) for name, ids in logs.items()}, *rest


def killed_before(statement: int, verb: Callable[[Path], None], path: Path) -> bool:
    """Do a verb in a child that is killed before one of its statements; say whether it came so far."""
    child = os.fork()
    if not child:
        try:
            _die_before(statement)
            verb(path)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def _die_before(statement: int) -> None:
    connect, left = connecting.connected, iter(range(statement - 1))

    def traced(*args: Any, **options: Any) -> apsw.Connection:
        connection = connect(*args, **options)

        def trace(*_: Any) -> bool:
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            return True

        connection.exec_trace = trace
        return connection

    setattr(connections, "connected", traced)  # noqa: B010 - it is imported there, not exported


@pytest.mark.parametrize("verb", [merge, rebase, keep, mark, delete, unit])
def test_a_verb_that_is_killed_leaves_all_of_it_or_nothing(
    tmp_path: Path, verb: Callable[[Path], None]
) -> None:
    start, path = tmp_path / "start.db", tmp_path / "history.db"
    prepared(start)
    before = picture(start)
    seen: list[Any] = []
    killed, statement = True, 0
    while killed:
        statement += 1
        shutil.copy(start, path)
        killed = killed_before(statement, verb, path)
        found = picture(path)
        if found != before and found not in seen:
            seen.append(told(found))
        for file in tmp_path.glob("history.db*"):
            file.unlink()
    steps = 2 if verb is delete else 1  # it merges first
    assert len({repr(each) for each in seen}) == steps


def test_a_clone_that_is_killed_has_no_names_or_all_of_them_and_goes_on(tmp_path: Path, long: bool) -> None:
    source, target = tmp_path / "history.db", tmp_path / "copy.db"
    prepared(source)
    delete(source)
    mark(source)
    *names, _ = picture(source)
    killed, statement = True, 0
    while killed:
        statement += 1 if long else 5
        killed = killed_before(statement, copy, source)
        if target.exists():
            logs, *rest = picture(target)
            assert [logs, *rest[:2]] == names or (logs.keys(), *rest) == ({"main"}, {}, {"main": 0}, [])
        copy(source)
        *found, _ = picture(target)
        assert found == names
        for file in tmp_path.glob("copy.db*"):
            file.unlink()
