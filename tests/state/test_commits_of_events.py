"""The commits of events come with the events, many at once, and only if somebody wants one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from backstory import Database, Event, Record, State, Tag, command
from backstory.history.ask.bisect import first_of_all
from backstory.history.ask.search import commits_with, commits_with_any
from backstory.lookup import AHEAD, Commits
from backstory.stores.memory import MemoryStore
from backstory.values.event_data import RecordedEvent
from tests.watched import watched

MANY = 2_500
FEW = MANY // AHEAD[-1] + len(AHEAD) + 2
"""At most so many questions may be asked about the commits of so many events."""


class Said(Event, name="commits.said"):
    room: Tag[str]
    n: int


class Talk(State):
    room: Tag[str]
    by: dict[str, int] = {}
    last: int = 0

    def apply(self, event: Said, record: Record) -> None:
        self.by[record.author] = self.by.get(record.author, 0) + 1
        self.last = event.n


@command
def say(talk: Talk) -> Said:
    return Said(talk.room, talk.last + 1)


@pytest.fixture(scope="module")
def store() -> Iterator[MemoryStore]:
    db = Database(MemoryStore())
    for n in range(MANY):
        db.append(Said("a", n + 1), author=f"author {n % 7}", metadata={"n": n})
    yield db.store  # type: ignore[misc]
    db.close()


@pytest.fixture
def asked() -> Counter[str]:
    return Counter()


@pytest.fixture
def db(store: MemoryStore, asked: Counter[str]) -> Database:
    return Database(watched(store, lambda name: asked.update([name])), cache_bytes=0)


VERBS: dict[str, Callable[[Database], Any]] = {
    "load": lambda db: db.load(Talk("a")),
    "load at": lambda db: db.load(Talk("a"), MANY - 3),
    "preview": lambda db: db.preview(say(Talk("a"))),
    "diff": lambda db: db.diff(1, MANY, Talk("a")),
    "blame": lambda db: [part.commit for part in db.blame(Talk("a"))],
    "bisect": lambda db: db.bisect(Talk("a"), lambda talk: talk.last > 9),
    "bisect all": lambda db: first_of_all(db.log, Talk, lambda talk: talk.last == MANY),
    "turns": lambda db: list(db.turns(Talk, lambda talk: talk.last % 2 == 0)),
    "search": lambda db: list(commits_with(db.log, Talk("a"), "last", str(MANY))),
    "search all": lambda db: list(commits_with_any(db.log, Talk, "last", str(MANY))),
    "read": lambda db: [record.author for record in db.read()],
    "read, when it happened": lambda db: [record.authored for record in db.read()],
    "read, then ask": lambda db: [record.metadata for record in list(db.read(Said))],
    "read backwards": lambda db: [record.time for record in db.read(Talk("a"), backwards=True)],
}


@pytest.mark.parametrize("verb", VERBS)
def test_commits_are_asked_for_many_at_once(db: Database, asked: Counter[str], verb: str) -> None:
    db.head()
    asked.clear()
    assert VERBS[verb](db) is not None
    assert asked["read"] >= MANY - 3
    assert asked["commits_at"] + asked["commits"] <= 2 * FEW


def test_every_record_has_its_own_commit(db: Database) -> None:
    db.append(Said("a", 1), Said("b", 2), author="two at once")
    for backwards in (False, True):
        records = list(db.read(backwards=backwards))
        assert [record.commit for record in records] == [
            next(db.log.commits(after=record.position - 1)) for record in records
        ]


def test_commits_that_nobody_wants_are_not_asked_for(db: Database, asked: Counter[str]) -> None:
    class Count(State):
        room: Tag[str]
        n: int = 0

        def apply(self, event: Said) -> None:
            self.n += 1

    assert len(list(db.read())) >= MANY
    assert db.load(Count("a")).n >= MANY
    assert asked["commits_at"] + asked["commits"] == 0


def test_a_state_that_looks_at_authors_asks_for_no_commit_of_this_process_s_own() -> None:
    asked: Counter[str] = Counter()
    db = Database(watched(MemoryStore(), lambda name: asked.update([name])))
    for _ in range(2):
        db.execute(say(Talk("a")), author="ann")
    asked.clear()
    for _ in range(3):
        db.execute(say(Talk("a")), author="ann")
    assert db.load(Talk("a")).by == {"ann": 5}
    assert asked["commits_at"] + asked["commits"] == 0


def test_a_record_that_a_state_keeps_finds_its_commit_later(db: Database) -> None:
    class Kept(State):
        room: Tag[str]
        records: list[Any] = []

        def apply(self, event: Said, record: Record) -> None:
            self.records.append(record)

    kept = db.load(Kept("a")).records
    assert [record.author for record in kept[:8]] == [f"author {n % 7}" for n in range(8)]


def test_events_before_a_damaged_one_are_given_first(store: MemoryStore) -> None:
    def damaged() -> Iterator[RecordedEvent]:
        yield from store.log().read(limit=3)
        raise ValueError("damaged")

    commits = Commits(store.log())
    found: list[RecordedEvent] = []
    with pytest.raises(ValueError, match="damaged"):
        found += commits.of(damaged())
    assert [event.position for event in found] == [1, 2, 3]
