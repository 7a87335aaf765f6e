"""Where a branch stands: how many commits it has for itself, and how many the one below has."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise, permutations

import pytest

from backstory.database import Database, connect
from backstory.errors import BackstoryError
from backstory.history.merge.merge import Options
from backstory.history.refs import standing
from backstory.history.refs.revision import Point, commits_between
from backstory.history.refs.standing import Standing, Standings
from tests.history.ledger import Book, Entered, draw, enter


@pytest.fixture
def db() -> Iterator[Database]:
    with connect() as db:
        db.execute(enter(Book("a"), 10))
        yield db


def stands(db: Database, name: str) -> Standing:
    return Standings(db.branches).of(db.branches.get(name))


def test_main_stands_on_nothing(db: Database) -> None:
    head = db.head()
    assert stands(db, "main") == Standing("main", 1, head.hash.hex(), None, 0, 0, 0)


def test_a_branch_is_ahead_by_its_own_commits_and_behind_by_those_of_the_one_below(db: Database) -> None:
    side = db.branch("side")
    assert (stands(db, "side").parent, stands(db, "side").base) == ("main", 1)
    side.execute(enter(Book("b"), 1))
    side.execute(enter(Book("b"), 2))
    db.execute(enter(Book("c"), 1))
    found = stands(db, "side")
    assert (found.ahead, found.behind, found.position) == (2, 1, 3)


def test_a_branch_of_a_branch_stands_on_that_one_and_on_nothing_when_its_name_is_gone(db: Database) -> None:
    side = db.branch("side")
    side.execute(enter(Book("b"), 1))
    side.branch("top").execute(enter(Book("b"), 2))
    assert (stands(db, "top").parent, stands(db, "top").ahead) == ("side", 1)
    db.branches.delete("side")
    assert (stands(db, "top").parent, stands(db, "top").ahead) == (None, 1)


def test_what_a_merge_took_over_or_decided_again_is_not_counted(db: Database) -> None:
    side = db.branch("side")
    side.execute(draw(Book("a"), 3))
    db.execute(enter(Book("a"), 1))
    assert stands(db, "side").ahead == 1
    assert db.merge("side", Options(resolution="redecide")).done
    assert stands(db, "side").ahead == 0


def test_what_a_merge_left_out_is_not_counted_for_the_branch_that_left_it_out(db: Database) -> None:
    side = db.branch("side")
    side.execute(draw(Book("a"), 3))
    db.execute(draw(Book("a"), 9))
    assert db.merge("side", Options(resolution="skip")).done
    assert (stands(db, "side").ahead, stands(db, "side").behind) == (0, 1)


def test_counting_ends_somewhere(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "MOST", 3)
    side = db.branch("side")
    for number in range(5):
        side.execute(enter(Book("b"), number + 1))
    assert stands(db, "side").ahead == 3


@pytest.mark.parametrize("few", [0, 2, 1000])
@pytest.mark.parametrize("seed", range(6))
def test_standings_count_the_commits_of_the_range_however_they_find_them(
    monkeypatch: pytest.MonkeyPatch, seed: int, few: int
) -> None:
    monkeypatch.setattr(standing, "FEW", few)
    chance, again = random.Random(seed), Options(resolution="redecide")
    with connect() as db:
        db.execute(enter(Book("a"), 100))
        names = ["main", "one", "two", "three"]
        for parent, name in pairwise(["main", *names[1:]]):
            db.switch(chance.choice(["main", parent])).branch(name)
        for step in range(30):
            here, other = chance.sample(names, 2)
            branch = db.switch(here)
            match chance.randrange(6):
                case 0 | 1:
                    branch.execute(enter(Book("a"), 1), id=chance.choice([None, f"id-{step % 5}"]))
                case 2:
                    branch.append(Entered("b", step, 0))
                case 3 | 4:
                    with suppress(BackstoryError):
                        branch.merge(other, again)
                case _:
                    with suppress(BackstoryError):
                        branch.cherry_pick(other, again)
            standings = Standings(db.branches)
            for start, end in permutations([db.branches.get(name).chain for name in names], 2):
                points = [Point(chain, db.branches.view(chain).head().position) for chain in (start, end)]
                found = list(standings._missing(*points))
                assert found == list(commits_between(db.branches, *points))


def test_a_decision_that_both_had_before_they_parted_is_not_counted_when_it_is_made_once_more(
    db: Database,
) -> None:
    side = db.branch("side")
    side.execute(enter(Book("a"), 5), id="x")
    db.execute(enter(Book("a"), 1))
    [step] = db.merge("side", Options(resolution="redecide")).steps
    assert step.outcome == "changed"
    db.branch("late").append(Entered("b", 1, 0))
    once_more = db.execute(enter(Book("a"), 5), id="x")
    assert once_more is not None
    assert once_more.id == "x"
    assert (stands(db, "late").ahead, stands(db, "late").behind) == (1, 0)
