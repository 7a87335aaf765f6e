"""Which commits of a history are wanted, and what comes after them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from backstory.database import Database, connect
from backstory.history.ask.listing import Filter, Side, followed, listed
from backstory.history.ask.similar import similar_tags
from backstory.history.merge.merge import Options
from backstory.history.refs.branches import Branches
from backstory.history.refs.revision import missing, resolve
from backstory.values.query import Query
from tests.history.ledger import Book, clock, draw, enter, ids


@pytest.fixture
def db() -> Iterator[Database]:
    with connect(clock=clock(), ids=ids()) as db:
        for number, (book, author) in enumerate((("a", "Ann"), ("b", "Bob"), ("a", "Bob"), ("c", "Ann"))):
            db.execute(enter(Book(book), number + 1), author=author, message=f"entry {number + 1}")
        yield db


def ids_of(
    db: Database, wanted: Filter, number: int | None = None, *, oldest_first: bool = False
) -> list[str]:
    found = listed([Side(db.log, wanted)], number, oldest_first=oldest_first)
    return [commit.id for _, commit in found]


def test_the_newest_come_first_and_a_number_takes_the_newest_in_either_order(db: Database) -> None:
    assert ids_of(db, Filter()) == ["c4", "c3", "c2", "c1"]
    assert ids_of(db, Filter(), 2) == ["c4", "c3"]
    assert ids_of(db, Filter(), 2, oldest_first=True) == ["c3", "c4"]
    assert ids_of(db, Filter(), oldest_first=True) == ["c1", "c2", "c3", "c4"]


def test_events_author_words_and_positions_are_all_asked_for(db: Database) -> None:
    assert ids_of(db, Filter(Query.of(tags=["book:a"]))) == ["c3", "c1"]
    assert ids_of(db, Filter(author="bo")) == ["c3", "c2"]
    assert ids_of(db, Filter(Query.of(tags=["book:a"]), "bo", re.compile("entry [23]"))) == ["c3"]
    assert ids_of(db, Filter(after=1, upto=3)) == ["c3", "c2"]
    assert ids_of(db, Filter(only=frozenset({2, 4}))) == ["c4", "c2"]


def test_times_become_positions(db: Database) -> None:
    times = {commit.id: commit.time for commit in db.commits()}
    wanted = Filter()
    wanted.during(db.log, times["c2"], times["c3"])
    assert ids_of(db, wanted) == ["c3", "c2"]
    wanted.during(db.log, None, datetime(2000, 1, 1, tzinfo=UTC))
    assert ids_of(db, wanted) == []


def test_a_range_lacks_what_was_decided_again_on_the_other_side_in_every_way_to_ask(db: Database) -> None:
    side = db.branch("side")
    side.execute(draw(Book("a"), 1), id="again")
    side.execute(enter(Book("d"), 1), id="own")
    db.execute(enter(Book("a"), 5), id="between")
    assert db.merge("side", Options(resolutions={"again": "redecide"})).done
    side.execute(enter(Book("d"), 2), id="later")
    branches = Branches(db.store)
    part = missing(branches, resolve(branches, "main"), resolve(branches, "side"))
    wanted = Filter(after=part.after, upto=part.upto, missing=part)
    assert [commit.id for _, commit in listed([Side(part.log, wanted)])] == ["later"]
    assert [commit.id for commit in part.commits()] == ["later"]
    assert [commit.id for commit in db.between("main..side")] == ["later"]


def test_what_is_followed_gives_the_newest_and_then_each_that_comes_once(db: Database) -> None:
    found = followed(Side(db.log, Filter(Query.of(tags=["book:a"]))), 1)
    assert [commit.id for _, commit in next(found)] == ["c3"]
    db.execute(enter(Book("b"), 1), id="other")
    db.execute(enter(Book("a"), 1), id="mine")
    assert [commit.id for _, commit in next(found)] == ["mine"]
    db.execute(enter(Book("a"), 2), id="last")
    assert [commit.id for _, commit in next(found)] == ["last"]


def test_similar_tags_have_the_same_key_and_are_near(db: Database) -> None:
    db.execute(enter(Book("savings"), 1))
    assert similar_tags(db.log, "book:saving")[0] == "book:savings"
    assert similar_tags(db.log, "shelf:saving") == []
