"""What if: a branch in memory, over a history that goes on meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backstory.database import Database
from backstory.errors import BranchError, UnknownRevision
from backstory.history.check.verify import verify
from backstory.store import Store
from tests.faces.conftest import Face
from tests.history.ledger import START, Book, Entered, enter, ledger


@pytest.fixture
def db(face: Face, store: Store) -> Database:
    """Main with two commits, and a branch `other` that is longer."""
    made = face(ledger(store))
    made.execute(enter(Book("a"), 1))
    made.execute(enter(Book("a"), 2))
    other = made.branch("other", at=1)
    for number in (100, 200, 300):
        other.execute(enter(Book("a"), number))
    return made


def traces(db: Database) -> tuple[object, ...]:
    """All that a trial could leave behind."""
    return db.head(), dict(db.store.refs.list()), list(db.store.logs()), list(db.branches.reflog.read())


def test_it_leaves_no_trace(db: Database) -> None:
    class Short(Book):
        snapshot_every = 1

    before = traces(db)
    with db.what_if() as trial:
        trial.execute(enter(Book("a"), 10))
        trial.append(Entered("b", 1, 0))
        assert trial.load(Short("a")).total == 13
        assert trial.preview(enter(Book("a"), 1)).after["book"].total == 14
    assert traces(db) == before
    assert db.load(Book("a")).total == 3


def test_an_error_inside_goes_through_and_leaves_no_trace(db: Database) -> None:
    before = traces(db)

    def story() -> None:
        with db.what_if() as trial:
            trial.execute(enter(Book("a"), 10))
            trial.execute(enter(Book("a"), 1 // 0))

    with pytest.raises(ZeroDivisionError):
        story()
    assert traces(db) == before


def test_revisions_are_seen_from_the_trial_and_names_are_still_names(db: Database) -> None:
    with db.what_if() as trial:
        commit = trial.execute(enter(Book("a"), 10))
        trial.execute(enter(Book("a"), 20))
        db.execute(enter(Book("a"), 1000))
        db.execute(enter(Book("a"), 2000))
        assert commit
        totals = {
            at: trial.load(Book("a"), at=at).total
            for at in (
                "HEAD",
                "HEAD~1",
                "HEAD~2",
                "#4",
                "4",
                "#3",
                commit.id,
                "main",
                "main~2",
                "main~3",
                "other",
            )
        }
        assert totals == {
            "HEAD": 33,
            "HEAD~1": 13,
            "HEAD~2": 3,
            "#4": 33,
            "4": 33,
            "#3": 13,
            commit.id: 13,
            "main": 3003,
            "main~2": 3,
            "main~3": 1,
            "other": 601,
        }
        assert trial.load(Book("a"), at=commit).total == 13
        assert trial.load(Book("a"), at=3).total == 13
        assert trial.load(Book("a"), at=commit.time).total == 13
        assert trial.load(Book("a"), at=START + timedelta(days=1)).total == 33
        assert [one.id for one in trial.between("main~2..HEAD")] == [one.id for one in trial.commits(after=2)]
        assert [one.position for one in trial.between("HEAD..main")] == [3, 4]
        with pytest.raises(UnknownRevision):
            db.load(Book("a"), at=commit)


def test_a_trial_on_a_branch_is_about_that_branch(db: Database) -> None:
    other = db.switch("other")
    with other.what_if() as trial:
        trial.execute(enter(Book("a"), 5))
        assert trial.load(Book("a"), at="HEAD~1").total == 601
        assert trial.load(Book("a"), at="#2").total == 101
        kept = trial.keep("kept")
    assert kept.load(Book("a")).total == 606
    assert kept.chain[:-1] == other.chain


def test_what_is_kept_is_the_same_to_the_last_hash_wherever_the_base_went(db: Database) -> None:
    with db.what_if() as trial:
        for number in range(5):
            trial.execute(enter(Book("a"), number))
        db.execute(enter(Book("a"), 1000))
        kept = trial.keep("kept")
    assert list(kept.commits()) == list(trial.commits())
    assert list(kept.log.read()) == list(trial.log.read())
    assert kept.name == "kept"
    kept.execute(enter(Book("a"), 7))
    assert trial.keep("again").load(Book("a")).total == 13
    assert db.switch("kept").load(Book("a")).total == 20
    assert verify(db.store).problems == []


def test_keeping_under_a_name_that_is_taken_makes_nothing(db: Database) -> None:
    with db.what_if() as trial:
        trial.execute(enter(Book("a"), 5))
        before = traces(db)
        with pytest.raises(BranchError, match="already"):
            trial.keep("other")
        assert traces(db) == before
        assert trial.keep("free").load(Book("a")).total == 8


def test_nothing_is_named_that_only_the_trial_has(db: Database) -> None:
    with db.what_if() as trial:
        trial.execute(enter(Book("a"), 5))
        before = traces(db)
        for deed in (
            lambda: trial.branch("x"),
            lambda: trial.mark("x"),
            lambda: trial.merge("other"),
            lambda: trial.rebase("other"),
            lambda: trial.cherry_pick("other"),
        ):
            with pytest.raises(BranchError, match="keep it"):
                deed()
        assert traces(db) == before
        assert trial.branch("past", at="HEAD~1").load(Book("a")).total == 3
        assert trial.mark("q3", at="HEAD~1").position == 2
        assert trial.switch("other").load(Book("a")).total == 601
        assert trial.switch("other").name == "other"


def test_a_trial_on_a_trial(db: Database) -> None:
    with db.what_if() as outer:
        outer.execute(enter(Book("a"), 5))
        with outer.what_if() as inner:
            inner.execute(enter(Book("a"), 6))
            assert inner.load(Book("a")).total == 14
            assert inner.load(Book("a"), at="HEAD~1").total == 8
            assert inner.load(Book("a"), at="HEAD~2").total == 3
            with pytest.raises(BranchError, match="keep it"):
                inner.keep("x")
        assert outer.load(Book("a")).total == 8
        assert outer.keep("x").load(Book("a")).total == 8


def test_a_trial_has_a_clock_of_its_own_if_one_is_given(db: Database) -> None:
    later = START + timedelta(days=365)
    with db.what_if(clock=lambda: later) as trial:
        trial.execute(enter(Book("a"), 10))
        assert [commit.authored for commit in trial.commits(after=2)] == [later]
        assert trial.append(Entered("b", 1, 0)).time == later
        with trial.what_if() as inner:
            assert inner.append(Entered("b", 1, 0)).time == later
            with pytest.raises(BranchError):
                inner.keep("kept")
        assert trial.branch("real", at=2).append(Entered("b", 1, 0)).time < later
        assert trial.switch("main").append(Entered("b", 1, 0)).time < later
        before = traces(db)
        with pytest.raises(BranchError, match="which has not come yet, so it cannot be kept"):
            trial.keep("kept")
        assert traces(db) == before
    assert db.append(Entered("b", 1, 0)).time < later
    with db.what_if(clock=lambda: START) as trial:
        trial.execute(enter(Book("a"), 10))
        assert trial.keep("kept").log.head().position == trial.head().position
