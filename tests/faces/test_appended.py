"""What an append says of itself: whether its id was known; and facts that are older than the log."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta

import pytest

from backstory import Database, Event, State, Tag, command
from backstory.errors import InvalidEvent


class Noted(Event, name="appended.noted"):
    page: Tag[str]


class Page(State):
    page: Tag[str]
    notes: int = 0

    def apply(self, event: Noted) -> None:
        self.notes += 1


@command
def note(page: Page) -> Noted:
    return Noted(page.page)


LONG_AGO = datetime(2019, 5, 1, tzinfo=UTC)


def test_a_commit_is_new_to_the_call_that_appended_it_and_to_nobody_else(db: Database) -> None:
    first, again = (db.execute(note(Page("a")), id="once") for _ in range(2))
    fact, fact_again = (db.append(Noted("a"), id="fact") for _ in range(2))
    assert first is not None
    assert again is not None
    assert [one.new for one in (first, again, fact, fact_again)] == [True, False, True, False]
    assert [one.new for one in db.commits()] == [False, False]
    assert [first, fact] == list(db.commits())
    assert [hash(one) for one in (first, fact)] == [hash(one) for one in db.commits()]


def test_whether_it_is_new_is_not_copied(db: Database) -> None:
    commit = db.append(Noted("a"))
    for one in (copy.copy(commit), copy.deepcopy(commit), pickle.loads(pickle.dumps(commit))):
        assert one == commit
        assert not one.new


def test_facts_older_than_the_log_keep_their_time(db: Database) -> None:
    old = db.append(Noted("a"), at=LONG_AGO, id="old")
    assert (old.authored, old.time) == (LONG_AGO, LONG_AGO)
    assert db.append(Noted("a"), at=LONG_AGO, id="old") == old
    now = db.append(Noted("a"))
    late = db.append(Noted("a"), at=LONG_AGO + timedelta(days=1))
    assert (late.authored, late.time) == (LONG_AGO + timedelta(days=1), now.time)
    assert db.load(Page("a"), at="@{2019-06-01}").notes == 1


def test_a_time_without_a_zone_or_in_the_future_is_refused(db: Database) -> None:
    with pytest.raises(InvalidEvent, match="time zone"):
        db.append(Noted("a"), at=datetime(2019, 5, 1))  # noqa: DTZ001
    with pytest.raises(InvalidEvent, match="has not come yet"):
        db.append(Noted("a"), at=datetime(2999, 5, 1, tzinfo=UTC))
    assert db.head().position == 0
