"""A commit without a message is told by what it did: never by the arguments of its command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from backstory import Database, Event, State, Tag, command, connect
from backstory.store import ALL, Log, append
from backstory.stores.guarded import SameCommits
from backstory.stores.memory import MemoryStore
from backstory.subject import AHEAD, COUNTED, Subjects, subject_of
from backstory.values.commit import Commit, draft
from backstory.values.event_data import RecordedEvent, encoded
from backstory.values.query import Query
from tests.state.bank import Account, Deposited, Withdrawn, deposit, transfer

TIME = datetime(2030, 1, 1, tzinfo=UTC)


class Enrolled(Event, name="subject.enrolled"):
    course: Tag[str]
    year: Tag[int]
    email: str


class Class(State):
    course: Tag[str]
    year: Tag[int]

    def apply(self, event: Enrolled) -> None: ...


@command
def enrol(email: str, into: Class) -> Iterator[Enrolled]:
    yield Enrolled(into.course, into.year, email)


@command
def announce(text: str) -> Iterator[Deposited]:
    yield Deposited(text, 1)


@pytest.fixture
def db() -> Iterator[Database]:
    with connect() as opened:
        yield opened


def told(db: Database, commit: Commit | None) -> str:
    assert commit is not None
    return subject_of(db.log, commit)


def log_of(*commits: Sequence[str], **parts: Any) -> Log:
    """A log of commits with events of these types."""
    log = MemoryStore().log()
    for types in commits:
        events = [encoded(type, b"{}") for type in types]
        append(log, draft(events, id=f"{log.head().position:020}", time=TIME, **parts))
    return log


def subject(*types: str, **parts: Any) -> str:
    log = log_of(types, **parts)
    return subject_of(log, next(log.commits()))


@pytest.mark.parametrize("message", ["rent for May", "\n rent for May \n\nand what it is for"])
def test_a_message_gives_its_first_line(message: str) -> None:
    assert subject("Paid", message=message, command={"name": "pay"}) == "rent for May"


def test_a_command_is_told_by_its_name_and_the_states_that_it_read(db: Database) -> None:
    assert told(db, db.execute(deposit(Account("a-7"), cents=500))) == "deposit(a-7, …)"
    assert told(db, db.execute(transfer(Account("a-7"), Account("a-8"), 200))) == "transfer(a-7, a-8, …)"
    enrolled = db.execute(enrol("ann@example.org", Class("maths", 2030)))
    assert told(db, enrolled) == "enrol(maths/2030, …)"
    assert told(db, db.execute(announce("a-9"))) == "announce(…)"


def test_no_argument_is_stored_in_a_message_nor_shown_in_a_subject(db: Database) -> None:
    commit = db.execute(enrol("ann@example.org", Class("maths", 2030)))
    assert commit is not None
    assert commit.message == ""
    assert "ann@" not in subject_of(db.log, commit)


@pytest.mark.parametrize(
    ("recorded", "shown"),
    [
        ({"name": "pay"}, "pay()"),
        ({"name": "pay", "arguments": {"to": {"user": "ann"}}}, "pay(…)"),
        ({"name": "pay", "arguments": {"to": {}, "of": 1}, "states": ["to", "gone"]}, "pay(…)"),
        ({"name": "pay", "arguments": {"to": 5}, "states": ["to"]}, "pay()"),
        ({"name": "pay", "arguments": {"to": {"day": None, "of": [1]}}, "states": ["to"]}, "pay(null/[1])"),
        ({"name": "pay", "arguments": [1]}, "Paid"),
        ({"name": ""}, "Paid"),
        ({"what": 1}, "Paid"),
    ],
)
def test_of_a_command_that_others_recorded_only_what_is_known_as_a_state_is_shown(
    recorded: dict[str, Any], shown: str
) -> None:
    assert subject("Paid", command=recorded) == shown


def test_a_command_that_read_very_much_is_cut_short() -> None:
    recorded = {"name": "pay", "arguments": {"to": {"user": "x" * 5_000}, "of": 1}, "states": ["to"]}
    shown = subject("Paid", command=recorded)
    assert len(shown) == 200
    assert shown.endswith("xx…)")


@pytest.mark.parametrize(
    ("types", "shown"),
    [
        (["A"], "A"),
        (["A", "A", "A"], "A x3"),
        (["A", "B", "A"], "A x2, B"),
        (["A", "B", "C"], "A, B and 1 more"),
        (["A", "B", "C", "B", "D"], "A, B x2 and 2 more"),
        (["A"] * COUNTED, f"A x{COUNTED}"),
        (["A"] * 5_000, "A and 4,999 more"),
        (["A", "B", "C"] * 1_000, "A, B and 2,998 more"),
    ],
)
def test_else_the_types_of_the_events_are_named_and_counted(types: list[str], shown: str) -> None:
    assert subject(*types) == shown


def test_a_revert_names_the_commits_that_it_undoes_by_their_place(db: Database) -> None:
    first, second = db.append(Deposited("a", 1), Deposited("a", 2)), db.append(Deposited("b", 1))

    def undone(*ids: str) -> str:
        return told(db, db.append(Withdrawn("a", 1), metadata={"reverts": list(ids)}))

    assert undone(first.id) == "Revert #2"
    assert undone(first.id, second.id) == "Revert #2, #3"
    assert undone(first.id, second.id, "x", "y") == "Revert #2, #3 and 2 more"
    assert undone("0190a1b2-c3d4-7000-8000-000000000000") == "Revert 0190a1b2-c3d4"
    assert undone() == "test.withdrawn"


def test_metadata_of_the_same_name_that_names_no_commits_is_no_revert() -> None:
    assert subject("A", metadata={"reverts": "yes"}) == subject("A", metadata={"x": "reverts"}) == "A"


class Counting(SameCommits):
    """A log that counts what is read."""

    def __init__(self) -> None:
        self.reads = self.events = 0
        self._log = MemoryStore().log()
        super().__init__(self._log)
        self.append = self._log.append
        self.counts = self._log.counts

    def read(
        self,
        query: Query = ALL,
        *,
        after: int = 0,
        upto: int | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Iterator[RecordedEvent]:
        self.reads += 1
        for event in self._log.read(query, after=after, upto=upto, backwards=backwards, limit=limit):
            self.events += 1
            yield event


@pytest.mark.parametrize("backwards", [False, True])
def test_events_are_read_for_many_neighbours_at_once(backwards: bool) -> None:
    log = Counting()
    sizes = [1 + number % 7 for number in range(2_000)]
    for number, size in enumerate(sizes):
        events = [encoded(f"T{number}", b"{}")] * size
        append(log, draft(events, id=str(number), time=TIME))
    expected = [f"T{number} x{size}" if size > 1 else f"T{number}" for number, size in enumerate(sizes)]
    subjects = Subjects(log)
    found = [subjects.of(commit) for commit in log.commits(backwards=backwards)]
    assert found == (expected[::-1] if backwards else expected)
    assert log.reads < 2 * sum(sizes) / AHEAD + 20
    assert log.events < 2 * sum(sizes)


def test_a_commit_that_is_asked_for_alone_has_only_its_own_first_events_read() -> None:
    log = Counting()
    for number in range(50):
        append(log, draft([encoded("A", b"{}")] * 500, id=str(number), time=TIME))
    subjects = Subjects(log)
    found = list(log.commits())
    assert {subjects.of(found[number]) for number in (40, 3, 17)} == {"A and 499 more"}
    assert log.events == 3 * COUNTED


def test_a_damaged_commit_is_named_by_what_is_left_of_it() -> None:
    log = log_of(["A"])
    commit = next(log.commits())
    broken = msgspec.structs.replace(commit, command_json=b'{"name":', metadata_json=b'{"reverts":\xff')
    assert subject_of(log, broken) == "A"
    assert subject_of(MemoryStore().log(), broken) == commit.id
