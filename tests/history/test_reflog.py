"""What happened to branches and marks."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backstory.database import Database
from backstory.errors import BranchError
from backstory.history.check.verify import verify
from backstory.refs import REFLOG
from backstory.store import set_ref
from backstory.stores.memory import MemoryStore
from backstory.stores.sqlite import SqliteStore
from backstory.unit import Outcome, Unit
from tests.history.ledger import Book, enter, ledger


def test_it_is_made_when_there_is_something_to_note_and_read_newest_first() -> None:
    db = ledger()
    db.execute(enter(Book("a"), 1))
    assert list(db.branches.reflog.read()) == []
    assert list(db.store.logs()) == [0]
    db.branch("side")
    db.mark("q3")
    db.branches.delete_mark("q3")
    db.branches.delete("side")
    kinds = ["BranchDeleted", "Unmarked", "Marked", "BranchCreated"]
    assert [entry.kind for entry in db.branches.reflog.read()] == kinds
    assert [entry.kind for entry in db.branches.reflog.read("q3")] == kinds[1:3]
    assert [entry.time for entry in db.branches.reflog.read()] == sorted(
        (entry.time for entry in db.branches.reflog.read()), reverse=True
    )


def test_of_two_who_make_it_at_once_the_slower_ones_note_is_in_the_others_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = MemoryStore()
    one, other = ledger(store), Database(store)
    one.execute(enter(Book("a"), 1))
    write = store.write

    def slow(units: Sequence[Unit]) -> list[Outcome]:
        monkeypatch.undo()
        other.mark("faster")
        return write(units)

    monkeypatch.setattr(store, "write", slow)
    one.mark("slower")
    assert {entry.name for entry in one.branches.reflog.read()} == {"faster", "slower"}
    assert verify(store).problems == []


def test_many_who_note_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    ledger(SqliteStore(path)).execute(enter(Book("a"), 1))
    together = threading.Barrier(6)

    def work(worker: int) -> None:
        store = SqliteStore(path)
        together.wait(60)
        for turn in range(4):
            Database(store).mark(f"m{worker}-{turn}")
        store.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    db = Database(SqliteStore(path))
    assert len({entry.name for entry in db.branches.reflog.read()}) == 24
    assert len(db.branches.marks()) == 24
    assert verify(db.store).problems == []
    db.close()


def test_it_never_writes_to_main() -> None:
    db = ledger()
    db.execute(enter(Book("a"), 1))
    db.mark("q3")
    number = db.store.refs.get(REFLOG)
    assert number not in (None, "0")
    set_ref(db.store, REFLOG, None, old=number)
    db.mark("q4")
    assert db.head().position == 1
    assert [entry.name for entry in db.branches.reflog.read()] == ["q4"]


def test_it_cannot_be_named_as_a_branch() -> None:
    db = ledger()
    db.mark("q3")
    number = db.store.refs.get(REFLOG)
    assert number is not None
    with pytest.raises(BranchError, match="is the reflog"):
        db.branches.restore("trial", int(number))
