"""Collecting logs that nothing needs: never one that somebody can still reach."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from backstory import Database
from backstory.errors import BranchError, NotThere
from backstory.history.check.verify import verify
from backstory.history.forget.collection import Collected, Unneeded, collect
from backstory.history.merge.merge import rebase
from backstory.history.refs.branches import Branches
from backstory.store import Store
from backstory.stores.memory import MemoryStore
from backstory.stores.sqlite import SqliteStore
from backstory.unit import Step, Written
from tests.history.ledger import Book, enter, ledger

LATER = timedelta(days=91)


@pytest.fixture(params=[MemoryStore, SqliteStore])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made: Store = MemoryStore() if request.param is MemoryStore else SqliteStore(tmp_path / "history.db")
    with closing(made):
        yield made


def at(db: Database, later: timedelta) -> Branches:
    """The branches, as seen some time after all that has happened."""
    last = db.branches.clock()
    return Branches(db.store, clock=lambda: last + later)


def test_what_was_deleted_and_moved_is_collected_after_its_time(store: Store) -> None:
    db = ledger(store)
    db.execute(enter(Book("a"), 1))
    side, gone = db.branch("side"), db.branch("gone")
    side.execute(enter(Book("a"), 2))
    gone.execute(enter(Book("a"), 3))
    gone.execute(enter(Book("a"), 4))
    db.execute(enter(Book("b"), 5))
    moved, deleted = side.chain[-1], gone.chain[-1]
    side.rebase("main")
    db.branches.delete("gone")
    assert collect(at(db, timedelta(days=1))) == Collected((), 0)
    would = collect(at(db, LATER), dry_run=True)
    assert set(would.logs) == {Unneeded(moved, 1, 1, 1), Unneeded(deleted, 1, 2, 2)}
    assert {moved, deleted} <= set(store.logs())
    assert collect(at(db, LATER)) == would
    assert not {moved, deleted} & set(store.logs())
    assert collect(at(db, LATER)) == Collected((), 0)
    assert db.switch("side").load(Book("a")).total == 3
    assert verify(store).problems == []
    with pytest.raises(BranchError, match="any more"):
        db.branches.restore("gone", deleted)


def test_what_a_mark_or_another_branch_stands_on_stays(store: Store) -> None:
    db = ledger(store)
    db.execute(enter(Book("a"), 1))
    below, marked = db.branch("below"), db.branch("marked")
    below.execute(enter(Book("a"), 2))
    marked.execute(enter(Book("a"), 3))
    above = below.branch("above")
    above.execute(enter(Book("a"), 4))
    marked.mark("q3")
    for name in ("below", "marked"):
        db.branches.delete(name)
    assert collect(at(db, LATER)) == Collected((), 0)
    assert db.switch("above").load(Book("a")).total == 7
    assert db.load(Book("a"), at="q3").total == 4
    db.branches.delete_mark("q3")
    db.branches.delete("above")
    assert len(collect(at(db, LATER)).logs) == 3
    assert verify(store).problems == []


def test_snapshots_of_logs_that_are_gone_go_with_them(store: Store) -> None:
    class Short(Book):
        snapshot_every = 1

    db = ledger(store)
    db.execute(enter(Book("a"), 1))
    side = db.branch("side")
    side.execute(enter(Book("a"), 2))
    for each in (db, side):
        each.load(Short("a"))
    kept = set(store.caches.names())
    db.branches.delete("side")
    assert collect(at(db, LATER)).caches > 0
    assert {name.split("/")[1] for name in store.caches.names()} == {"0"}
    assert set(store.caches.names()) < kept


def test_a_branch_that_is_open_reads_on_where_the_log_below_was_merged_and_collected(store: Store) -> None:
    db = ledger(store)
    db.execute(enter(Book("main"), 1))
    below = db.branch("below")
    below.execute(enter(Book("a"), 2))
    above = below.branch("above")
    above.execute(enter(Book("b"), 3))
    db.merge("below")
    db.branches.delete("below")
    assert collect(Branches(store), kept=timedelta(0)).logs == ()
    assert above.load(Book("a")).total == above.load(Book("a"), at=2).total == 2
    assert [record.position for record in above.read()] == [1, 2, 3]
    db.branches.delete("above")
    assert len(collect(Branches(store), kept=timedelta(0)).logs) == 2


@pytest.mark.parametrize("verb", ["branch", "rebase"])
def test_nothing_starts_on_a_point_that_is_collected_meanwhile(
    store: Store, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = ledger(store)
    db.execute(enter(Book("main"), 1))
    gone = db.branch("gone")
    db.branch("other")
    gone.execute(enter(Book("a"), 2))
    point = gone.point("HEAD")
    db.branches.delete("gone")
    write = db.branches.write

    def late(*steps: Step, note: tuple[str, str, dict[str, object]]) -> Written:
        collect(Branches(store), kept=timedelta(0))
        return write(*steps, note=note)

    monkeypatch.setattr(db.branches, "write", late)
    verbs: dict[str, Callable[[], object]] = {
        "branch": lambda: db.branches.create("new", point.chain, point.position),
        "rebase": lambda: rebase(db.branches, "other", point),
    }
    with pytest.raises(NotThere):
        verbs[verb]()
    assert verify(store).sound
    assert db.branches.names() == ["main", "other"]
