"""Positions that leave the process come back as the same events, or are refused."""

from __future__ import annotations

import pytest

from backstory import Database, connect
from backstory.errors import HistoryMoved, UnknownRevision
from backstory.place import Place
from tests.state.bank import Deposited


@pytest.fixture
def db() -> Database:
    """A commit of one event, and one of two."""
    db = connect("memory:")
    db.append(Deposited("a", 1))
    db.append(Deposited("a", 2), Deposited("a", 3))
    return db


def places(db: Database) -> list[Place]:
    """The place of each event."""
    return [Place.of(record.commit, record.position) for record in db.read()]


def test_a_place_is_written_as_its_position_and_the_beginning_of_its_commits_hash(db: Database) -> None:
    first, second = db.commits()
    assert [str(place) for place in places(db)] == [
        f"1-{first.hash.hex()[:8]}",
        f"2-{second.hash.hex()[:8]}",
        f"3-{second.hash.hex()[:8]}",
    ]
    assert Place.of(second) == Place.of(db.head()) == places(db)[2]
    assert str(Place.of(connect("memory:").head())) == "0-00000000"


def test_what_was_written_is_read_as_the_same_place(db: Database) -> None:
    for place in (*places(db), Place(0, "00000000")):
        assert Place.parse(str(place)) == place
        assert place.on(db.log) == place.position


@pytest.mark.parametrize(
    "text", ["", "1", "1-", "-0f3a9c1b", "1-0f3a9c1", "1-0f3a9c1b2", "1-0F3A9C1B", "01-0f3a9c1b", "#1-0f3a9c1b",
             "1-0f3a9c1b\n", " 1-0f3a9c1b", "\uff11-0f3a9c1b", f"{10**18}-0f3a9c1b", "main"],
)  # fmt: skip
def test_what_is_no_place_is_an_error_that_says_how_one_is_written(text: str) -> None:
    with pytest.raises(UnknownRevision, match="a place is a position and 8 hex digits, as 12-0f3a9c1b"):
        Place.parse(text)


def test_a_place_of_another_history_is_refused(db: Database) -> None:
    other = connect("memory:")
    other.append(Deposited("a", 1), Deposited("a", 1))
    here = places(db)
    for place in here[:2]:
        with pytest.raises(
            HistoryMoved, match=f"{place} is a place of another history: here, #{place.position} is in"
        ):
            place.on(other.log)
    with pytest.raises(HistoryMoved, match="this one ends at #2"):
        here[2].on(other.log)
    with pytest.raises(HistoryMoved, match="here, #0 is in commit 00000000"):
        Place(0, "0f3a9c1b").on(db.log)
    assert Place(0, "00000000").on(other.log) == 0


def test_a_place_is_good_on_each_branch_that_has_its_commit(db: Database) -> None:
    plan = db.branch("plan", at=1)
    plan.append(Deposited("b", 1))
    first, second, _ = places(db)
    assert first.on(plan.log) == 1
    with pytest.raises(HistoryMoved):
        second.on(plan.log)
