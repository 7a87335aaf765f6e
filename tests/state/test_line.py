"""One runtime for each history of an open store, however many objects are open on it."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

from backstory import Database, connect
from backstory.errors import StoreClosed
from backstory.history.refs.branches import Chain
from backstory.line import Line, Lines, lines_of
from backstory.stores.memory import MemoryStore
from tests.state.bank import Account, Deposited, deposit
from tests.state.counted import Counted


def line(db: Database) -> Line:
    """The line that a database works on."""
    return db.handle.now()


def chains(lines: Lines) -> set[Chain]:
    """The histories that have a line."""
    return {chain for chain, _ in lines._lines}


@pytest.fixture
def db() -> Database:
    """An empty database."""
    return connect("memory:")


OPENED: dict[str, Callable[[Database], Database]] = {
    "a branch that is opened twice": lambda db: db.switch("plan"),
    "a branch that is opened from another one": lambda db: db.branch("side").switch("plan"),
    "another database of the same store": lambda db: Database(db.store).switch("plan"),
}


@pytest.mark.parametrize("again", OPENED)
def test_who_opens_a_branch_has_what_others_who_have_it_open_know(db: Database, again: str) -> None:
    plan = db.branch("plan")
    assert line(OPENED[again](db)) is line(plan)
    assert line(plan) is not line(db)


def test_a_state_as_of_a_branch_is_remembered_for_all_who_ask(db: Database) -> None:
    db.append(*[Deposited("a", 1)] * 50)
    plan = db.branch("plan")
    counted: Any = Counted(line(plan).log)
    line(plan).loader.log = counted
    for _ in range(3):
        assert db.load(Account("a"), at="plan").balance == 50
        assert plan.load(Account("a")).balance == 50
        assert plan.load(Account("a"), at="HEAD").balance == 50
    assert (
        counted.events == 100
    )  # as of a revision nothing new is remembered, and once it was asked for the newest


def test_threads_that_open_a_branch_at_once_get_one_line(db: Database) -> None:
    db.branch("plan")
    together, opened = Barrier(8), list[Database]()

    def work() -> None:
        together.wait()
        opened.append(db.switch("plan"))

    threads = [Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(line(one)) for one in opened}) == 1


def test_a_line_that_nobody_holds_is_gone_and_so_is_that_of_a_branch_that_was_moved(db: Database) -> None:
    plan, lines = db.branch("plan"), lines_of(db.store)
    plan.execute(deposit(Account("a"), 1))
    db.append(Deposited("b", 1))
    before = line(plan).chain
    db.switch("plan").rebase("main")
    assert plan.load(Account("b")).balance == 1
    gc.collect()
    assert chains(lines) == {(0,), line(plan).chain}
    assert before not in chains(lines)
    del plan
    gc.collect()
    assert chains(lines) == {(0,)}


def test_each_branch_remembers_its_own_states_within_one_limit(db: Database) -> None:
    plan = db.branch("plan")
    plan.append(Deposited("a", 1))
    assert (db.load(Account("a")).balance, plan.load(Account("a")).balance) == (0, 1)
    assert (db.load(Account("a")).balance, plan.load(Account("a")).balance) == (0, 1)
    other = Database(db.store, cache_bytes=0)
    assert lines_of(db.store) is other.handle.lines is plan.handle.lines
    plan.append(Deposited("a", 1))
    assert plan.load(Account("a")).balance == 2
    assert not lines_of(db.store).cache._entries


def test_trials_of_one_branch_have_nothing_in_common(db: Database) -> None:
    with db.what_if() as one, db.what_if() as other:
        one.append(Deposited("a", 1))
        assert line(one) is not line(other)
        assert (one.load(Account("a")).balance, other.load(Account("a")).balance) == (1, 0)
        assert one.load(Account("a"), at="HEAD").balance == 1
        with one.what_if() as inner:
            inner.append(Deposited("a", 1))
            assert inner.load(Account("a")).balance == 2


def test_a_store_that_is_closed_is_forgotten_with_its_states(tmp_path: Path) -> None:
    with connect(str(tmp_path / "test.db")) as db:
        db.execute(deposit(Account("a"), 1))
        db.load(Account("a"))
        lines = lines_of(db.store)
        assert lines.cache._entries
    assert not lines.cache._entries
    assert lines_of(db.store) is not lines
    with pytest.raises(StoreClosed):
        db.load(Account("a"))


def test_a_store_is_not_kept_by_what_is_remembered_of_it() -> None:
    from weakref import ref

    store = MemoryStore()
    Database(store).execute(deposit(Account("a"), 1))
    gone = ref(store)
    del store
    gc.collect()
    assert gone() is None
