"""A state that somebody has looked at, and a command that is to hold only if it is still so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backstory import Database, Refused, command
from backstory.errors import Conflict, HistoryMoved
from backstory.live import Seen
from backstory.place import Place
from tests.history.ledger import Book, Entered, enter


@command(name="seen.carry")
def carry(source: Book, target: Book) -> Iterator[Entered]:
    """Reads two states."""
    if not source.total:
        raise Refused("nothing to carry")
    yield Entered(source.book, -source.total, 0)
    yield Entered(target.book, source.total, 0)


@command(name="seen.nothing")
def nothing(book: Book) -> Iterator[Entered]:
    """Decides to do nothing."""
    yield from ()


@command(name="seen.stated")
def stated(word: str) -> Entered:
    """Reads no state."""
    return Entered(word, 1, 0)


def test_a_place_is_that_of_the_last_event_of_the_state(db: Database) -> None:
    assert str(db.see(Book("a")).place) == "0-00000000"
    first = db.append(Entered("a", 1, 0), Entered("b", 1, 0))
    db.append(Entered("b", 2, 0))
    seen = db.see(Book("a"))
    assert (seen.value.total, seen.place) == (1, Place.of(first, 1))
    assert db.see(Book("a"), at=0).place.position == 0
    assert db.see(Book("b"), at=2).place == Place.of(first)


def test_a_command_on_what_is_still_so_is_done(db: Database) -> None:
    db.append(Entered("a", 1, 0))
    seen = db.see(Book("a"))
    db.append(Entered("b", 2, 0))
    commit = db.execute(enter(Book("a"), 2), seen=seen)
    assert commit is not None
    assert commit.condition is not None
    assert commit.condition.after == seen.place.position  # the store has judged all of it


def test_a_command_on_what_has_changed_is_a_conflict_and_is_not_decided(db: Database) -> None:
    seen = db.see(Book("a"))
    db.execute(enter(Book("a"), 1))
    for late in (enter(Book("a"), 2), nothing(Book("a")), carry(Book("a"), Book("c"))):
        with pytest.raises(Conflict, match=r"decided on position 0, but since then: #1"):
            db.execute(late, seen=seen)
    with pytest.raises(Conflict):
        db.execute(carry(Book("empty"), Book("a")), seen=seen)  # which it would refuse
    assert db.head().position == 1


def test_other_states_of_the_command_may_have_changed(db: Database) -> None:
    db.append(Entered("a", 1, 0))
    seen = db.see(Book("a"))
    db.append(Entered("c", 2, 0))
    commit = db.execute(carry(Book("a"), Book("c")), seen=seen)
    assert commit is not None
    assert commit.size == 2


def test_a_state_that_the_command_does_not_read_counts_too(db: Database) -> None:
    seen = db.see(Book("a"))
    commit = db.execute(stated("b"), seen=seen)
    assert commit.condition is not None
    assert commit.condition.query == Book("a").query()
    db.append(Entered("a", 1, 0))
    with pytest.raises(Conflict):
        db.execute(stated("b"), seen=seen)


def test_what_was_watched_was_seen(db: Database) -> None:
    db.append(Entered("a", 1, 0))
    seen = next(db.watch(Book("a")))
    db.execute(enter(Book("a"), 2), seen=seen)
    with pytest.raises(Conflict):
        db.execute(enter(Book("a"), 2), seen=seen)


def test_a_place_of_another_history_is_refused(db: Database) -> None:
    db.append(Entered("a", 1, 0))
    for place in (Place(1, "00000000"), Place(9, "0f3a9c1b")):
        with pytest.raises(HistoryMoved):
            db.execute(enter(Book("a"), 2), seen=Seen(Book("a"), place))


def test_a_retry_gets_the_recorded_commit_though_the_state_has_changed_since(db: Database) -> None:
    seen = db.see(Book("a"))
    first = db.execute(enter(Book("a"), 1), id="once", seen=seen)
    db.execute(enter(Book("a"), 1))
    assert db.execute(enter(Book("a"), 1), id="once", seen=seen) == first
