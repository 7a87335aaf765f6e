"""Merges of any two histories that Hypothesis can think of, with merges before them."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from backstory.database import Database
from backstory.errors import Refused
from backstory.history.check.verify import verify
from backstory.history.merge.merge import MergeReport, Options
from backstory.history.merge.replay import MergeStep, Resolution
from backstory.history.refs.decisions import origin
from backstory.store import append
from tests.history.ledger import Book, Entered, decided_again, draw, enter, ledger, move, reported

books = st.sampled_from("abc")
numbers = st.integers(0, 3)
sides = st.sampled_from(["main", "side", "side"])
resolutions = st.sampled_from([None, "redecide", "skip", "force"])
acts = st.one_of(
    st.tuples(st.just("enter"), sides, books, numbers),
    st.tuples(st.just("draw"), sides, books, numbers),
    st.tuples(st.just("move"), sides, books, books, numbers),
    st.tuples(st.just("blind"), sides, books, numbers),
    st.tuples(st.just("pick"), sides, st.integers(1, 4), resolutions),
    st.tuples(st.just("merge"), sides, resolutions),
)


def act(on: dict[str, Database], what: tuple[Any, ...]) -> None:
    """Do one thing to main or the branch; what cannot be done is not."""
    main, side = on["main"], on["side"]
    try:
        match what:
            case ("enter", where, book, number):
                on[where].execute(enter(Book(book), number))
            case ("draw", where, book, number):
                on[where].execute(draw(Book(book), number))
            case ("move", where, one, other, number):
                on[where].execute(move(Book(one), Book(other), number))
            case ("blind", where, book, number):
                on[where].append(Entered(book, number, -1))
            case ("pick", where, back, resolution):
                one, other = (side, main) if where == "side" else (main, side)
                own = list(one.commits(after=2))
                if len(own) >= back:
                    reported(
                        other.cherry_pick, own[-back], Options(resolution=resolution, message="so be it")
                    )
            case ("merge", "main", resolution):
                reported(side.merge, "main", Options(resolution=resolution, message="so be it"))
            case ("merge", _, resolution):
                reported(main.merge, "side", Options(resolution=resolution, message="so be it"))
    except Refused:
        pass


def check(main: Database, side: Database, report: MergeReport) -> None:
    """Every step is what its definition says; the report is one of a dry run, and main is as it was judged."""
    with main.what_if() as trial:
        for step in report.steps:
            if step.outcome == "clean" and not report.fast_forward:
                assert decided_again(trial, step) == list(step.draft.events if step.draft else ())
            if step.outcome == "conflict":
                condition = step.commit.condition
                assert condition is not None
                assert step.in_the_way
                assert all(condition.query.matches(event) for event in step.in_the_way)
            if step.outcome == "known":
                assert step.there in list(main.commits())
                assert step.there is not None
                assert origin(step.there) == origin(step.commit)
            if step.draft is not None:
                append(trial.log, step.draft)


def whole(main: Database) -> None:
    """Nothing is there twice, and every hash is right."""
    ids = [commit.id for commit in main.commits()]
    assert len(set(ids)) == len(ids)
    assert verify(main.store).problems == []


def said(step: MergeStep) -> tuple[object, ...]:
    """The outcome, without the commit that would be made: its secret and time are new each time."""
    return step.outcome, step.reason, step.events


@settings(max_examples=150)
@given(st.lists(acts, max_size=14), resolutions)
def test_what_is_clean_would_be_decided_again_and_what_is_not_has_something_in_the_way(
    story: list[tuple[Any, ...]], resolution: Resolution | None
) -> None:
    main = ledger()
    main.execute(enter(Book("a"), 5))
    main.execute(enter(Book("b"), 5))
    side = main.branch("side")
    for what in story:
        act({"main": main, "side": side}, what)
    before = main.head()
    check(main, side, main.merge("side", Options(dry_run=True)))
    foretold = main.merge("side", Options(preview=True))
    assert main.head() == before
    report = reported(main.merge, "side", Options(resolution=resolution, message="so be it"))
    if resolution == "redecide":
        assert [said(step.again or step) for step in foretold.steps] == [said(step) for step in report.steps]
    if report.done:
        assert [commit.id for commit in report.commits] == [s.draft.id for s in report.steps if s.draft]
        done = main.head()
        again = main.merge("side")
        assert again.done
        assert again.commits == ()
        assert main.head() == done
    else:
        assert main.head() == before
    whole(main)


@settings(max_examples=60)
@given(st.lists(acts.filter(lambda what: what[0] not in ("merge", "pick")), max_size=12))
def test_a_rebase_takes_what_picking_each_commit_takes(story: list[tuple[Any, ...]]) -> None:
    main = ledger()
    main.execute(enter(Book("a"), 5))
    side = main.branch("side")
    for what in story:
        act({"main": main, "side": side}, what)
    own = list(side.commits(after=1))
    picked = main.branch("picked")
    picks = [reported(picked.cherry_pick, commit) for commit in own]
    report = reported(side.rebase, "main")
    assert report.done == all(pick.done for pick in picks)
    moved = side.switch("side")
    if report.done:
        assert [c.hash for c in moved.commits()] == [c.hash for c in picked.commits()]
    else:
        assert moved.chain == side.chain
    whole(main)


@given(st.lists(acts.filter(lambda what: what[0] not in ("merge", "pick")), max_size=12))
def test_a_merge_onto_an_unchanged_base_is_as_if_it_had_been_done_there(story: list[tuple[Any, ...]]) -> None:
    one, other = ledger(), ledger()
    for main in (one, other):
        main.execute(enter(Book("a"), 5))
    side = one.branch("side")
    other.branch("unused")
    for what in story:
        act({"main": side, "side": side}, what)
        act({"main": other, "side": other}, what)
    report = one.merge("side")
    assert report.fast_forward
    assert list(one.commits()) == list(side.commits()) == list(other.commits())
    assert list(one.log.read()) == list(side.log.read()) == list(other.log.read())
    whole(one)
