"""The verbs of history, and facts: what they give on either face. Each has a test of its own elsewhere, in depth."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from backstory import Conflict, Database, MergeConflict, Query, Refused
from backstory.errors import BranchError, IdReused, StoreClosed, UnknownRevision
from backstory.history.merge.merge import Options
from backstory.values.query import Condition
from tests.state.bank import Account, Deposited, Withdrawn, deposit, withdraw


@pytest.fixture
def story(db: Database) -> Database:
    """Three commits on main, of which the last stands on the branch `plan` as well, and one more on `plan`."""
    db.execute(deposit(Account("a"), 500), author="ann", message="salary")
    db.append(Deposited("b", 1), Withdrawn("b", 1))
    db.execute(withdraw(Account("a"), 200), author="bob", message="rent")
    db.branch("plan").execute(withdraw(Account("a"), 300), message="holiday")
    return db


def test_a_state_is_loaded_as_of_any_point(story: Database) -> None:
    assert [story.load(Account("a"), at=at).balance for at in ("main~2", 1, "plan", "plan~1")] == [
        500,
        500,
        0,
        300,
    ]
    assert (story.head().position, story.point("main~1").position, story.name) == (4, 3, "main")
    with pytest.raises(UnknownRevision):
        story.load(Account("a"), at="nowhere")


def test_facts_have_an_id_and_happen_once(db: Database) -> None:
    fact = db.append(Deposited("a", 1), id="fact", author="ann", metadata={"batch": 7})
    assert db.append(Deposited("a", 1), id="fact", author="ann", metadata={"batch": 7}) == fact
    assert (fact.author, fact.metadata) == ("ann", {"batch": 7})
    with pytest.raises(IdReused):
        db.append(Deposited("a", 2), id="fact")
    assert db.head().position == 1


def test_a_condition_that_does_not_hold_is_a_conflict(db: Database) -> None:
    db.append(Deposited("a", 1))
    on_a = Query.of(tags=["account:a"])
    with pytest.raises(Conflict) as told:
        db.append(Deposited("a", 1), condition=Condition(on_a, 0))
    assert [event.position for event in told.value.events] == [1]
    assert db.append(Deposited("a", 1), condition=Condition(on_a, 1)).position == 2


def test_events_and_commits_are_streamed(story: Database) -> None:
    assert [record.position for record in story.read(Deposited)] == [1, 2]
    assert [record.position for record in story.read(Account("a"), backwards=True)] == [4, 1]
    assert [record.author for record in story.read(tags=["account:a"], limit=1)] == ["ann"]
    assert [record.position for record in story.read(after=1, at=3)] == [2, 3]
    assert [commit.message for commit in story.commits(backwards=True)] == ["rent", "", "salary"]
    assert [commit.position for commit in story.commits(after=1, at="main~1")] == [3]
    assert [commit.message for commit in story.between("main..plan")] == ["holiday"]
    for words in ("plan", "main..nowhere"):
        with pytest.raises(UnknownRevision):
            list(story.between(words))
    with pytest.raises(UnknownRevision):
        next(story.read(at="nowhere"))


def test_a_branch_is_made_once_and_opened_by_its_name(story: Database) -> None:
    past = story.branch("past", at=1)
    assert past.name == "past"
    assert past.load(Account("a")).balance == 500
    assert story.switch("plan").load(Account("a")).balance == 0
    assert story.load(Account("a")).balance == 300
    with pytest.raises(BranchError, match="already"):
        story.branch("plan")
    with pytest.raises(UnknownRevision, match="no such branch"):
        story.switch("nowhere")


def test_a_mark_names_a_point(story: Database) -> None:
    mark = story.mark("q3", at="main~1", message="closed", author="ann")
    assert (mark.position, mark.message, mark.author) == (3, "closed", "ann")
    assert story.load(Account("a"), at="q3").balance == 500


def test_a_merge_takes_over_what_the_other_has(story: Database) -> None:
    assert story.merge("plan", Options(dry_run=True)).clean
    assert story.load(Account("a")).balance == 300
    report = story.merge("plan")
    assert report.fast_forward
    assert story.load(Account("a")).balance == 0


def test_a_merge_of_a_decision_that_would_be_another_one_is_a_conflict(story: Database) -> None:
    story.execute(withdraw(Account("a"), 1))
    for verb in (story.merge, story.cherry_pick):
        with pytest.raises(MergeConflict) as told:
            verb("plan")
        report = told.value.report
        assert (len(report.conflicts), report.done) == (1, False)
        assert re.search(
            r"^1 of 1 commits of .* conflict with main, first #5 .*: its decision did not know",
            str(told.value),
        )
        assert any("redecide" in hint for hint in told.value.hints)
    plan = story.switch("plan")
    with pytest.raises(MergeConflict, match="1 of 1 commits of plan conflict with #5"):
        plan.rebase("main")
    assert not story.merge("plan", Options(dry_run=True)).clean
    assert (story.head().position, story.switch("plan").head()) == (5, plan.head())
    report = story.merge("plan", Options(resolution="redecide"))
    assert [step.outcome for step in report.steps] == ["refused"]


def test_a_rebase_lets_a_branch_start_elsewhere(story: Database) -> None:
    story.append(Deposited("c", 7))
    plan = story.switch("plan")
    assert plan.rebase("main").done
    assert story.load(Account("c"), at="plan").balance == 7
    assert plan.load(Account("c")).balance == 7


def test_one_commit_is_taken_over(story: Database) -> None:
    story.branch("past", at=1).append(Deposited("c", 7), message="found")
    report = story.cherry_pick("past")
    assert [commit.message for commit in report.commits] == ["found"]
    assert story.load(Account("c")).balance == 7


def test_two_points_are_compared(story: Database) -> None:
    assert "balance" in str(story.diff("main", "plan", Account("a")))
    assert not story.diff("main", "plan", Account("b"))


def test_every_field_has_an_event_that_gave_it_its_value(story: Database) -> None:
    assert [story.blame(Account("a"), at=at)["balance"].position for at in (None, "main", 1)] == [4, 4, 1]


def test_the_first_event_after_which_something_holds_is_found(story: Database) -> None:
    for where in ("balance < 500", lambda account: account.balance < 500):
        found = story.bisect(Account("a"), where, good=1)
        assert [turn.record.position for turn in found.turns] == [4]


def test_a_preview_appends_nothing(story: Database) -> None:
    assert story.preview(withdraw(Account("a"), 300)).after["account"] == Account("a", 0)
    with pytest.raises(Refused):
        story.preview(withdraw(Account("a"), 301))
    assert story.head().position == 4


CALLS: list[Callable[[Database], object]] = [
    lambda db: db.head(),
    lambda db: db.load(Account("a")),
    lambda db: db.execute(deposit(Account("a"), 1)),
    lambda db: db.append(Deposited("a", 1)),
    lambda db: list(db.read()),
    lambda db: list(db.commits()),
    lambda db: db.branch("more"),
    lambda db: db.switch("plan"),
    lambda db: db.mark("q3"),
    lambda db: db.merge("plan"),
    lambda db: db.revert("HEAD"),
]


def test_every_verb_says_that_the_store_is_closed_and_closing_twice_does_nothing(story: Database) -> None:
    plan = story.switch("plan")
    for _ in range(2):
        story.close()
    for call in CALLS:
        for db in (story, plan):
            with pytest.raises(StoreClosed):
                call(db)
