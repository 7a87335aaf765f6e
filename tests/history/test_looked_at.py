"""Somebody looks first, and does it later: what was looked at is done, and once."""

from __future__ import annotations

import pytest

from backstory import Database, Event, State, Tag, connect
from backstory.errors import BranchError, HeadMoved, IdReused
from backstory.history.merge.merge import Options
from backstory.history.merge.revert import reverts
from tests.state.bank import Account, deposit, withdraw


class Noted(Event, name="test.looked_at.noted"):
    page: Tag[str]
    words: int


class Struck(Event, name="test.looked_at.struck"):
    page: Tag[str]
    words: int


class Page(State):
    page: Tag[str]
    words: int = 0

    def apply(self, event: Noted | Struck) -> None:
        self.words += event.words if isinstance(event, Noted) else -event.words


@reverts(Noted)
def strike(event: Noted) -> Struck:
    return Struck(event.page, event.words)


@pytest.fixture
def db() -> Database:
    """An account with 100, and then with 70."""
    db = connect()
    db.execute(deposit(Account("a"), 100))
    db.execute(withdraw(Account("a"), 30))
    return db


def test_a_what_if_begins_at_a_past_revision_and_is_kept_there(db: Database) -> None:
    with db.what_if(1) as trial:
        trial.execute(withdraw(Account("a"), 100))
        assert trial.load(Account("a")).balance == 0
        kept = trial.keep("all-of-it")
    assert [commit.position for commit in kept.commits()] == [1, 2]
    assert db.load(Account("a")).balance == 70


def test_a_what_if_begins_before_everything(db: Database) -> None:
    with db.what_if(0) as trial:
        assert trial.load(Account("a")).balance == 0


def test_a_what_if_begins_below_the_point_where_its_branch_does(db: Database) -> None:
    branch = db.branch("other")
    branch.execute(deposit(Account("a"), 5))
    with branch.what_if(1) as trial:
        assert trial.load(Account("a")).balance == 100
        trial.execute(deposit(Account("a"), 1))
        assert trial.keep("third").load(Account("a")).balance == 101


def test_no_what_if_begins_in_the_middle_of_a_commit(db: Database) -> None:
    db.append(Noted("p", 1), Noted("p", 2))
    with pytest.raises(BranchError, match="in the middle of commit"), db.what_if(3):
        pass


def test_a_merge_of_ends_that_have_gone_on_does_nothing(db: Database) -> None:
    branch = db.branch("other", 1)
    branch.append(Noted("p", 1))
    ends = (branch.head().hash, db.head().hash)
    branch.append(Noted("p", 2))
    with pytest.raises(HeadMoved):
        db.merge("other", Options(ends=ends))
    ends = (branch.head().hash, db.head().hash)
    db.append(Noted("q", 1))
    with pytest.raises(HeadMoved):
        db.merge("other", Options(ends=ends))
    assert db.load(Page("p")).words == 0
    assert db.merge("other", Options(ends=(branch.head().hash, db.head().hash))).done
    assert db.load(Page("p")).words == 3


def test_a_revert_with_an_id_is_done_once(db: Database) -> None:
    noted = db.append(Noted("p", 4))
    first, second = (db.revert(noted, id="once") for _ in range(2))
    assert first == second
    assert db.load(Page("p")).words == 0
    with pytest.raises(IdReused, match="something else than this revert"):
        db.revert(db.append(Noted("p", 1)), id="once")
