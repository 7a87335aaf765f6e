"""Where a branch stands: how many commits it has for itself, and how many the one below has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backstory.database import Database, connect
from backstory.history.merge.merge import Options
from backstory.history.refs import standing
from backstory.history.refs.standing import Standing, Standings
from tests.history.ledger import Book, draw, enter


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
