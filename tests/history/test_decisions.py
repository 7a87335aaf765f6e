"""A decision that was made again: the same one wherever it stands, so that no branch gets it twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backstory import Refused, command
from backstory.database import Database
from backstory.decide.context import context
from backstory.history.check.verify import verify
from backstory.history.forget.withholding import withhold
from backstory.history.merge.merge import MergeReport, Options
from backstory.history.merge.replay import Resolution
from backstory.history.refs.decisions import origin, redecided
from backstory.store import append
from backstory.values.codec import PLAIN
from backstory.values.commit import draft
from tests.history.ledger import START, Book, Entered, draw, enter, ledger, reported

REDECIDE = Options(resolution="redecide")


@pytest.fixture
def db() -> Database:
    """Main with 10 in a book, and the branches `one`, which has X, `two`, which has Y on the same book, and `three`."""
    made = ledger()
    made.execute(enter(Book("a"), 10))
    for name in ("one", "two", "three"):
        made.branch(name)
    made.switch("one").execute(enter(Book("a"), 1), id="X", author="ann")
    made.switch("two").execute(enter(Book("a"), 2), id="Y", author="bob")
    return made


def outcomes(report: MergeReport) -> dict[str, str]:
    """What became of each commit."""
    return {step.commit.id: step.outcome for step in report.steps}


def ids(db: Database, name: str) -> list[str]:
    """The commits that a branch has for itself."""
    return [commit.id for commit in db.switch(name).commits(after=1)]


def test_who_has_the_first_knows_what_was_decided_again(db: Database) -> None:
    one, two = db.switch("one"), db.switch("two")
    assert outcomes(two.cherry_pick("one", REDECIDE)) == {"X": "changed"}
    report = one.merge("two", REDECIDE)
    assert outcomes(report) == {"Y": "changed", redecided("X"): "known"}
    assert report.steps[1].there == next(one.commits(after=1))
    assert report.steps[1].differs
    assert ids(db, "one") == ["X", redecided("Y")]
    assert one.load(Book("a")).total == 13


def test_who_has_what_was_decided_again_knows_the_first(db: Database) -> None:
    two = db.switch("two")
    two.cherry_pick("one", REDECIDE)
    report = two.merge("one")
    assert (outcomes(report), report.done) == ({"X": "known"}, True)
    assert report.steps[0].differs
    assert two.load(Book("a")).total == 13


def test_what_was_decided_again_twice_is_known_by_its_origin(db: Database) -> None:
    one, two, three = (db.switch(name) for name in ("one", "two", "three"))
    two.cherry_pick("one", REDECIDE)
    three.execute(enter(Book("a"), 4), id="Z")
    assert outcomes(three.merge("two", REDECIDE)) == {"Y": "changed", redecided("X"): "changed"}
    last = next(three.commits(backwards=True))
    assert (last.id, last.metadata["redecided"], origin(last)) == (redecided("X"), "X", "X")
    assert outcomes(one.cherry_pick("three")) == {redecided("X"): "known"}  # the one between is on neither
    assert outcomes(three.cherry_pick("one")) == {"X": "known"}
    assert outcomes(two.cherry_pick("three")) == {redecided("X"): "known"}
    assert outcomes(three.cherry_pick("two")) == {redecided("X"): "known"}


def test_of_two_who_decided_it_again_the_target_stays_and_what_relied_on_the_other_is_in_conflict(
    db: Database,
) -> None:
    two, three = db.switch("two"), db.switch("three")
    three.execute(enter(Book("a"), 4), id="Z")
    for branch in (two, three):
        assert outcomes(branch.cherry_pick("one", REDECIDE)) == {"X": "changed"}
    three.execute(enter(Book("a"), 5), id="later")
    head = two.head()
    assert outcomes(reported(two.merge, "three")) == {
        "Z": "conflict",
        redecided("X"): "known",
        "later": "conflict",
    }
    assert two.head() == head
    assert outcomes(two.merge("three", REDECIDE)) == {
        "Z": "changed",
        redecided("X"): "known",
        "later": "changed",
    }
    assert ids(db, "two") == ["Y", redecided("X"), redecided("Z"), redecided("later")]
    assert two.load(Book("a")).total == 10 + 2 + 1 + 4 + 5


def test_a_rebase_leaves_out_what_is_there_in_either_form(db: Database) -> None:
    one, two = db.switch("one"), db.switch("two")
    two.cherry_pick("one", REDECIDE)
    three = two.branch("four", at="two~1")
    three.cherry_pick("two")
    assert outcomes(one.rebase("two")) == {"X": "known"}
    assert ids(db, "one") == ["Y", redecided("X")]
    assert outcomes(three.rebase("two")) == {}  # it is the same commit, so it is history that both share
    assert ids(db, "four") == ["Y", redecided("X")]


@command(name="decisions.spend")
def spend(book: Book, number: int) -> Iterator[Entered]:
    if book.total < number:
        raise Refused("not that much")
    yield Entered(book.book, -number, book.seen)


@pytest.mark.parametrize(("resolution", "outcome"), [("skip", "skipped"), ("redecide", "refused")])
def test_what_was_left_out_stays_out_also_when_it_was_decided_again_elsewhere(
    db: Database, resolution: Resolution, outcome: str
) -> None:
    two, three, four = db.switch("two"), db.switch("three"), db.branch("four")
    four.execute(spend(Book("a"), 9), id="S")
    two.execute(draw(Book("a"), 8))
    three.append(Entered("a", 5, 0))
    assert outcomes(three.cherry_pick("four", REDECIDE)) == {"S": "changed"}
    assert outcomes(two.merge("four", Options(resolution=resolution))) == {"S": outcome}
    assert outcomes(two.merge("four")) == {"S": "settled"}
    assert outcomes(two.merge("three"))[redecided("S")] == "settled"
    assert outcomes(two.cherry_pick("three", Options(resolution="force", message="after all"))) == {
        redecided("S"): "forced"
    }
    assert outcomes(two.merge("four")) == {"S": "known"}


def test_what_was_left_out_does_not_come_in_by_a_fast_forward(db: Database) -> None:
    one, two = db.switch("one"), db.switch("two")
    assert outcomes(two.merge("one", Options(resolution="skip"))) == {"X": "skipped"}
    assert one.rebase("two", REDECIDE).done
    assert list(db.between("two..one")) != []
    report = two.merge("one")
    assert (outcomes(report), report.fast_forward) == ({redecided("X"): "settled"}, False)
    assert ids(db, "two") == ["Y"]


def test_what_is_picked_again_on_purpose_is_there_once_and_a_reverted_revert_brings_it_back(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = db.switch("two")
    taken_back = {Entered: lambda event: Entered(event.book, -event.number, 0)}
    monkeypatch.setattr("backstory.history.merge.revert.inverses", taken_back)
    [again] = two.cherry_pick("one", REDECIDE).commits
    assert again.id == redecided("X")
    undone = two.revert("HEAD")
    assert outcomes(two.cherry_pick("one", REDECIDE)) == {"X": "known"}
    assert two.load(Book("a")).total == 12
    assert undone is not None
    assert two.revert(undone) is not None
    assert two.load(Book("a")).total == 13


def test_the_author_stays_and_who_let_it_be_decided_again_is_in_the_metadata(db: Database) -> None:
    two, three, four = db.switch("two"), db.switch("three"), db.branch("four")
    with context(author="cleo"):
        [first] = two.cherry_pick("one", REDECIDE).commits
        three.execute(enter(Book("a"), 4))
        [second] = three.cherry_pick("two", Options(resolution="redecide", author="dan")).commits
    four.execute(enter(Book("a"), 5))
    [third] = four.cherry_pick("three", REDECIDE).commits
    assert [commit.author for commit in (first, second, third)] == ["ann"] * 3
    assert first.metadata == {"redecided": "X", "decided_by": "cleo"}
    assert second.metadata == {"redecided": "X", "decided_by": "dan"}
    assert third.metadata == {"redecided": "X"}


def test_long_ids_that_begin_alike_stay_apart_when_they_are_decided_again(db: Database) -> None:
    one, two = db.switch("one"), db.switch("two")
    long = ["x" * 199 + end for end in "ab"]
    for id in long:
        one.execute(enter(Book("a"), 1), id=id)
    report = two.merge("one", REDECIDE)
    assert set(outcomes(report).values()) == {"changed"}
    made = [commit.id for commit in report.commits]
    assert made == [redecided("X"), *map(redecided, long)]
    assert {len(id) for id in made[1:]} == {200}
    assert set(outcomes(two.merge("one")).values()) == {"known"}
    assert set(outcomes(one.merge("two", REDECIDE)).values()) == {"changed", "known"}


def test_what_a_program_of_somebody_else_wrote_is_not_taken_for_what_was_decided_again(db: Database) -> None:
    one, two = db.switch("one"), db.switch("two")
    forged = draft([PLAIN.encode(Entered("b", 1, 7))], id=redecided("X"), time=START, reserved_id=True)
    append(two.log, forged)
    head = two.head()
    report = reported(two.merge, "one", REDECIDE)
    assert outcomes(report) == {"X": "conflict"}
    assert f"would get the id {redecided('X')}, but commit" in report.steps[0].reason
    assert two.head() == head
    assert outcomes(two.merge("one", Options(resolution="force", message="both"))) == {"X": "forced"}
    assert outcomes(one.merge("two", REDECIDE))[redecided("X")] == "unchecked"
    assert one.load(Book("b")).total == 1


def test_a_branch_that_has_a_decision_twice_gives_it_once(db: Database) -> None:
    """As no merge makes it; but a store may have it all the same."""
    one, two = db.switch("one"), db.switch("two")
    twice = draft(
        [PLAIN.encode(Entered("a", 1, 7))],
        id=redecided("X"),
        time=START,
        metadata={"redecided": "X"},
        reserved_id=True,
    )
    append(one.log, twice)
    assert outcomes(two.merge("one", REDECIDE)) == {"X": "changed", redecided("X"): "known"}
    assert two.load(Book("a")).total == 13
    assert outcomes(two.merge("one", REDECIDE)) == {"X": "known", redecided("X"): "known"}


def test_what_was_decided_differently_is_neither_ahead_nor_behind(db: Database) -> None:
    two = db.switch("two")
    two.cherry_pick("one", REDECIDE)
    assert [commit.id for commit in db.between("one..two")] == ["Y"]
    assert [commit.id for commit in db.between("two..one")] == []
    assert [commit.id for commit in db.between("two...one")] == ["Y"]


def test_a_refusal_when_it_is_decided_again_leaves_every_form_as_it_was(db: Database) -> None:
    one, two = db.switch("one"), db.switch("two")
    one.execute(draw(Book("a"), 11), id="D")
    two.execute(draw(Book("a"), 12), id="E")
    for dry_run in (True, False):
        report = two.merge("one", Options(resolution="redecide", dry_run=dry_run))
        assert outcomes(report) == {"X": "changed", "D": "refused"}
        assert report.steps[1].reason == "not that much"
    assert ids(db, "two") == ["Y", "E", redecided("X")]
    report = one.merge("two", REDECIDE)
    assert outcomes(report) == {"Y": "changed", "E": "refused", redecided("X"): "known"}
    assert verify(db.store).problems == []


def test_a_decision_is_known_by_its_id_where_its_metadata_is_withheld(db: Database) -> None:
    db.execute(enter(Book("a"), 3))
    [again] = db.merge("one", REDECIDE).commits
    for parts, commit in ((["metadata"], again), (["query"], next(db.switch("one").commits(backwards=True)))):
        withhold(db.branches, commit, parts)
    assert origin(next(db.commits(backwards=True))) == "X"
    assert outcomes(db.merge("one", REDECIDE)) == {"X": "known"}
    assert db.load(Book("a")).total == 14
