"""A branch that was deleted or moved takes no commit, whichever verb makes the commit and whenever the branch moves."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from backstory import Database, reverts
from backstory.errors import BranchError, BranchMoved, UnknownRevision
from backstory.store import append
from backstory.stores.memory import MemoryStore
from tests.faces.conftest import Face
from tests.faces.steps import SteppedStore
from tests.history.ledger import Book, Entered, enter, ledger

reverts(Entered)(lambda event: [Entered(event.book, -event.number, 0)])


def branched(db: Database) -> Database:
    """A branch `trial` that stands on main, and a branch `side` beside it; all three have commits of their own."""
    db.execute(enter(Book("main"), 1))
    side, trial = db.branch("side"), db.branch("trial")
    side.execute(enter(Book("side"), 1), id="from side")
    trial.execute(enter(Book("a"), 2))
    db.execute(enter(Book("main"), 3))
    return trial


def delete(db: Database) -> None:
    db.branches.delete("trial")


def move(db: Database) -> None:
    db.switch("trial").rebase("main")


def replace(db: Database) -> None:
    db.branches.delete("trial")
    db.branch("trial")


VERBS: dict[str, Callable[[Database], object]] = {
    "execute": lambda trial: trial.execute(enter(Book("b"), 1)),
    "execute with an id": lambda trial: trial.execute(enter(Book("b"), 1), id="x"),
    "execute without retries": lambda trial: trial.execute(enter(Book("b"), 1), retries=0),
    "append": lambda trial: trial.append(Entered("b", 1, 0)),
    "append with an id": lambda trial: trial.append(Entered("b", 1, 0), id="x"),
    "revert": lambda trial: trial.revert("HEAD"),
    "merge": lambda trial: trial.merge("side"),
    "cherry-pick": lambda trial: trial.cherry_pick("side"),
}
BY_NAME = {"merge", "cherry-pick"}
"""Verbs that look for the branch by its name when they are called."""


def commits_of(made: Any) -> list[str]:
    """The ids of what a verb made: a commit, or a report that has some."""
    return [commit.id for commit in getattr(made, "commits", [made])]


@pytest.mark.parametrize(("was", "happen"), [("deleted", delete), ("moved", move), ("moved", replace)])
@pytest.mark.parametrize("verb", sorted(set(VERBS) - BY_NAME))
def test_who_has_it_open_reads_on_and_is_told_when_they_append(
    face: Face, verb: str, was: str, happen: Callable[[Database], None]
) -> None:
    db = face(ledger())
    trial = branched(db)
    before = list(trial.commits())
    happen(db)
    with pytest.raises(BranchError, match=f"branch 'trial' was {was} since it was opened here") as told:
        VERBS[verb](trial)
    assert isinstance(told.value, BranchMoved)
    assert told.value.branch == "trial"
    assert list(trial.commits()) == before
    assert trial.load(Book("a")).total == 2


@pytest.mark.parametrize("happen", [delete, move, replace])
@pytest.mark.parametrize("verb", VERBS)
def test_whenever_it_happens_nothing_is_appended_to_what_the_branch_was(
    face: Face, verb: str, happen: Callable[[Database], None]
) -> None:
    """It happens before the first call that the verb makes to the store, then before the second, and so on."""
    for step in count(1):
        store = SteppedStore(MemoryStore())
        trial = branched(face(ledger(store)))
        was, other = trial.log, Database(store.below)
        ended: list[int] = []

        def act() -> None:
            happen(other)  # noqa: B023 - called in this turn
            ended.append(was.head().position)  # noqa: B023

        store.before(step, act)
        try:
            made = commits_of(VERBS[verb](trial))
        except (BranchMoved, UnknownRevision):
            made = []
            assert store.acted
        if not store.acted:
            assert step > 2
            assert made
            return
        assert [was.head().position] == ended
        now = other.branches.find("trial")
        logs = [was] if now is None else [was, other.branches.open(now)]
        assert all(any(log.find(id) for log in logs) for id in made)


def test_a_retry_is_told_what_it_did_before_the_branch_was_gone(face: Face) -> None:
    db = face(ledger())
    trial = branched(db)
    fact = trial.append(Entered("b", 1, 0), id="fact")
    decision = trial.execute(enter(Book("b"), 1), id="decision")
    delete(db)
    assert trial.append(Entered("b", 1, 0), id="fact") == fact
    assert trial.execute(enter(Book("b"), 1), id="decision") == decision
    with pytest.raises(BranchMoved):
        trial.append(Entered("b", 1, 0), id="another")


def test_a_branch_that_is_opened_again_takes_commits(face: Face) -> None:
    db = face(ledger())
    trial = branched(db)
    move(db)
    again = trial.switch("trial")
    again.execute(enter(Book("b"), 1))
    assert (again.load(Book("b")).total, trial.load(Book("b")).total) == (1, 0)


def test_the_same_logs_under_another_name_are_another_branch(face: Face) -> None:
    db = face(ledger())
    trial = branched(db)
    delete(db)
    db.branches.restore("kept", trial.chain[-1])
    kept = db.switch("kept")
    kept.append(Entered("b", 1, 0))
    with pytest.raises(BranchMoved):
        trial.append(Entered("b", 1, 0))
    db.branches.restore("trial", trial.chain[-1])
    trial.append(Entered("b", 1, 0))
    assert kept.load(Book("b")).total == 2


def test_a_log_that_branches_give_by_name_is_guarded_as_well() -> None:
    db = ledger()
    branched(db)
    log = db.branches.log("trial")
    draft = db.drafter.for_facts([Entered("b", 1, 0)])
    delete(db)
    with pytest.raises(BranchMoved):
        append(log, draft)


def test_the_error_can_be_copied_and_sent_to_another_process() -> None:
    error = BranchMoved("trial", "branch/trial", "[0,3]")
    for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (type(again), str(again)) == (BranchMoved, str(error))
        assert (again.branch, again.ref, again.value) == ("trial", "branch/trial", "[0,3]")
