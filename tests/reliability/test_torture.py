"""Many threads of several processes decide at random on rules that overlap; then every decision is made once more.

It ends well when no rule was ever broken, every commit that somebody was told of is in the log and no other, and each
command decides the same again on the states that it saw, and on the states just before its commit. So the log is what
one caller after the other would have written.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from backstory import Database, State, connect
from backstory.decide.state import fold
from backstory.history.check.verify import verify
from backstory.lookup import Commits
from backstory.store import Log
from backstory.values.codec import PLAIN
from backstory.values.commit import Commit
from backstory.values.event_data import EventData, RecordedEvent
from backstory.values.query import Query
from tests.reliability import torture
from tests.reliability.processes import finish, running
from tests.reliability.torture import (
    ACCOUNTS,
    COMMANDS,
    COURSES,
    MOST_COURSES,
    PLACES,
    STUDENTS,
    Account,
    Course,
    Enrolled,
    Invoiced,
    Left,
    Paid,
    Student,
    Told,
)


class History:
    """All events in memory, and states at any position without the code that is tested: no cache, no index."""

    def __init__(self, log: Log, events: list[RecordedEvent]) -> None:
        self._commit_at = Commits(log)
        self._events = events
        self._matching: dict[Query, list[RecordedEvent]] = {}

    def state(self, reference: Any, upto: int) -> Any:
        query = reference.query()
        if query not in self._matching:
            self._matching[query] = list(filter(query.matches, self._events))
        events = self._matching[query]
        earlier = events[: bisect_right(events, upto, key=lambda event: event.position)]
        return fold(reference, earlier, self._commit_at)

    def decided(self, commit: Commit, upto: int) -> list[EventData]:
        """What the commit's command decides on the states as of a position."""
        recorded = commit.command
        assert recorded is not None
        made = COMMANDS[recorded["name"]].parse(recorded["arguments"])
        states: dict[str, State] = {name: self.state(state, upto) for name, state in made.states.items()}
        return [PLAIN.encode(event) for event in made.decide(states)]


def run(path: Path, processes: int, threads: int, rounds: int) -> list[Told]:
    """Let processes work on one file at once, and give what each of their threads was told."""
    with ExitStack() as all_of_them:
        started = [
            all_of_them.enter_context(running("torture", path, seed, threads, rounds))
            for seed in range(processes)
        ]
        outputs = [finish(process) for process in started]
    return [told for output in outputs for told in msgspec.json.decode(output, type=list[Told])]


def check_rules(db: Database) -> None:
    """Walk through the events in order: no rule was broken at any moment."""
    balances: Counter[str] = Counter()
    courses: dict[str, set[str]] = {course: set() for course in COURSES}
    students: dict[str, set[str]] = {student: set() for student in STUDENTS}
    last = 0
    for position, record in enumerate(db.read(), 1):
        assert record.position == position
        match record.event:
            case Paid(account=account, cents=cents):
                balances[account] += cents
                assert balances[account] >= 0
            case Invoiced(number=number):
                last += 1
                assert number == last
            case Enrolled(course=course, student=student):
                assert student not in courses[course]
                courses[course].add(student)
                students[student].add(course)
                assert len(courses[course]) <= PLACES
                assert len(students[student]) <= MOST_COURSES
            case Left(course=course, student=student):
                courses[course].remove(student)
                students[student].remove(course)
            case other:
                pytest.fail(f"nobody appended {other}")
    for name in ACCOUNTS:
        assert db.load(Account(name)).balance == balances[name]
    for name in COURSES:
        assert db.load(Course(name)).students == courses[name]
    for name in STUDENTS:
        assert db.load(Student(name)).courses == students[name]


def check_told(db: Database, told: list[Told], history: History) -> None:
    """What was acknowledged is in the log, once, and nothing else is; what was seen of the past is the past."""
    acknowledged = {id: position for one in told for id, position in one.commits.items()}
    assert len(acknowledged) == sum(len(one.commits) for one in told)
    assert {commit.id: commit.position for commit in db.commits()} == acknowledged
    for one in told:
        for name, position, balance in one.seen:
            assert history.state(Account(name), position).balance == balance


def check_decisions(db: Database, events: list[RecordedEvent], history: History) -> None:
    """Each command decides the same again, on what it saw and on what was there just before its commit."""
    for commit in db.commits():
        own = events[commit.first - 1 : commit.position]
        expected = [EventData(event.type, event.version, event.tags, event.data) for event in own]
        assert commit.condition is not None
        assert commit.condition.after < commit.first
        assert history.decided(commit, commit.condition.after) == expected, commit
        assert history.decided(commit, commit.first - 1) == expected, commit


def test_whatever_many_decide_at_once_could_have_been_decided_one_after_the_other(
    tmp_path: Path, long: bool
) -> None:
    path = tmp_path / "torture.db"
    told = run(path, processes=4, threads=16 if long else 4, rounds=300 if long else 30)
    with connect(str(path), create=False) as db:
        events = list(db.log.read())
        history = History(db.log, events)
        assert sum(one.conflicts for one in told) == 0
        assert min(sum(one.refused for one in told), sum(len(one.commits) for one in told)) > 0
        check_rules(db)
        check_told(db, told, history)
        check_decisions(db, events, history)
        assert verify(db.store).problems == []


def test_threads_of_one_process_do_as_well(tmp_path: Path, long: bool) -> None:
    path = tmp_path / "torture.db"
    told = torture.main(str(path), 0, 16, 300 if long else 20)
    with connect(str(path), create=False) as db:
        events = list(db.log.read())
        history = History(db.log, events)
        assert sum(one.conflicts for one in told) == 0
        check_rules(db)
        check_told(db, told, history)
        check_decisions(db, events, history)
        assert verify(db.store).problems == []
