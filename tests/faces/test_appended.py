"""What an append says of itself: whether its id was known; and facts that are older than the log."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from backstory import Author, Database, Event, Now, Record, Refused, State, Tag, command, provided
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


class Filed(Event, name="appended.filed"):
    page: Tag[str]
    at: datetime
    by: str


class Files(State):
    page: Tag[str]
    times: list[datetime] = []

    def apply(self, event: Filed, record: Record[Filed]) -> None:
        assert record.authored == event.at
        self.times.append(record.authored)


@command
def file(files: Files, now: Now = provided, by: Author = provided) -> Filed:
    if files.times and now < files.times[-1]:
        raise Refused("it is older than the last one")
    return Filed(files.page, now, by)


def test_a_command_is_executed_at_its_own_time_which_its_rules_see(db: Database) -> None:
    first = db.execute(file(Files("a")), author="ann", at=LONG_AGO, id="first")
    assert first.authored == LONG_AGO
    assert first.command is not None
    assert first.command["inputs"] == {"now": "2019-05-01T00:00:00Z"}
    assert db.execute(file(Files("a")), author="ann", at=LONG_AGO, id="first") == first
    second = LONG_AGO + timedelta(days=1)
    db.append(Noted("a"))
    with db.atomic() as tx:
        pending = tx.execute(file(Files("a")), author="ann", at=second)
    assert pending.commit is not None
    assert pending.commit.authored == second
    assert pending.commit.time > second
    with db.what_if() as trial:
        third = trial.execute(file(Files("a")), author="ann", at=second + timedelta(days=1))
        assert third.authored == second + timedelta(days=1)
        with pytest.raises(Refused, match="older"):
            trial.execute(file(Files("a")), author="ann", at=LONG_AGO)
    assert db.load(Files("a")).times == [LONG_AGO, second]
    assert [(record.authored, record.time > record.authored) for record in db.read(Filed)] == [
        (LONG_AGO, False),
        (second, True),
    ]


def test_a_command_without_a_clock_keeps_its_time_too_and_none_is_of_the_future(db: Database) -> None:
    assert db.execute(note(Page("a")), at=LONG_AGO).authored == LONG_AGO
    for wrong, why in (
        (datetime(2019, 5, 1), "time zone"),  # noqa: DTZ001
        (datetime(2999, 5, 1, tzinfo=UTC), "has not come yet"),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=12))), "lies between"),
        (datetime.min.replace(tzinfo=ZoneInfo("Asia/Tokyo")), "lies between"),
    ):
        for asked in (note(Page("a")), file(Files("a"), by="ann")):
            with pytest.raises(InvalidEvent, match=why):
                db.execute(asked, at=wrong)
    assert db.head().position == 1


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"at": date(2019, 5, 1)}, "is no time: give a datetime"),
        ({"at": "2019-05-01"}, "is no time: give a datetime"),
        ({"at": float("nan")}, "is no time: give a datetime"),
        ({"at": datetime.max.replace(tzinfo=timezone(timedelta(hours=-12)))}, "has not come yet"),
        ({"at": datetime.min.replace(tzinfo=timezone(timedelta(hours=12)))}, "lies between"),
        ({"author": 5}, "author and message are text, not 5"),
        ({"author": ["ann"]}, "author and message are text"),
        ({"author": float("nan")}, "author and message are text, not nan"),
        ({"message": {}}, "author and message are text"),
        ({"metadata": []}, "the metadata is a dict, not"),
        ({"metadata": 5}, "the metadata is a dict, not 5"),
        ({"id": "x" * 1_000_000}, "1 to 200 characters, not of 1,000,000$"),
    ],
)
def test_what_is_said_of_an_append_in_another_type_is_refused(
    db: Database, said: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidEvent, match=words):
        db.append(Noted("a"), **said)
    with pytest.raises(InvalidEvent, match=words):
        db.execute(note(Page("a")), **said)
    assert db.head().position == 0


def test_a_time_without_a_zone_or_in_the_future_is_refused(db: Database) -> None:
    with pytest.raises(InvalidEvent, match="time zone"):
        db.append(Noted("a"), at=datetime(2019, 5, 1))  # noqa: DTZ001
    with pytest.raises(InvalidEvent, match="has not come yet"):
        db.append(Noted("a"), at=datetime(2999, 5, 1, tzinfo=UTC))
    assert db.head().position == 0
