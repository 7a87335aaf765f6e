"""Fields that a scope hides are withheld in all output, and nothing can be asked about them."""

from __future__ import annotations

import contextvars
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Thread
from typing import Any

import msgspec
import pytest

from backstory import Database, Event, Secret, State, Tag, command, connect, shown
from backstory.decide.latest import Latest
from backstory.documents.commits import commit_document, event_document
from backstory.errors import ClearTextWarning, ExpressionError, OutOfScope
from backstory.history.ask.expression import predicate
from backstory.history.ask.grep import grep_events
from backstory.history.ask.search import commits_with, commits_with_any
from backstory.scope import Scope, ScopedDatabase, scoped
from backstory.store import append
from backstory.texts.states import check_path, condition
from backstory.values.commit import draft
from backstory.values.event_data import encoded
from backstory.values.masking import personal_shown
from backstory.values.veil import own_veil, veil_of

VEILED = "veiled@x"
HIDDEN = Scope(hidden=("email", "Left.mail"))


@dataclass(frozen=True)
class Address:
    street: str
    email: str = ""


class Joined(Event, name="hidden.joined"):
    member: Tag[str]
    email: str
    addresses: tuple[Address, ...] = ()
    more: dict[str, Any] = {}
    token: Secret[str] = ""


class Left(Event, name="hidden.left"):
    member: Tag[str]
    mail: str


class Wrote(Event, name="hidden.wrote"):
    member: Tag[str]
    mail: str


class Member(State):
    member: Tag[str]
    email: str = ""
    count: int = 0
    more: dict[str, Any] = {}
    home: Address | None = None
    token: Secret[str] = ""

    def apply(self, event: Joined | Left) -> None:
        self.count += 1
        if isinstance(event, Joined):
            self.email, self.more, self.token = event.email, event.more, event.token
            self.home = Address("street", event.email)


@command(name="hidden.join")
def join(member: Member, email: str, note: str = "") -> Iterator[Joined]:
    yield Joined(member.member, email)


@command(name="hidden.open")
def opening(member: Member, more: dict[str, Any], token: Secret[str]) -> Iterator[Left]:
    yield Left(member.member, "")


@pytest.fixture
def reader() -> Iterator[ScopedDatabase]:
    """A reader of a history that has a veiled value in every place for one."""
    with connect() as db:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ClearTextWarning)
            db.execute(join(Member("m-1"), VEILED, note="kept"))
            deep = {"deep": [{"email": VEILED, "kept": 1}]}
            db.append(Joined("m-1", VEILED, (Address("lane", VEILED),), deep, token="secret-token"))
        db.append(Left("m-1", VEILED))
        data = msgspec.json.encode({"email": VEILED, "deep": {"list": [{"email": VEILED}]}, "open": 1})
        append(
            db.log, draft([encoded("hidden.classless", data, ("member:m-1",))], id="x", time=db.head().time)
        )
        yield scoped(db, HIDDEN)


def outputs(db: Database) -> Iterator[object]:
    """What is shown of a history."""
    for record in db.read():
        yield from (record, record.event, record.stored, event_document(record.stored))
        yield commit_document(record.commit, "", [record.stored])
    for state in (Member("m-1"), Latest("member:m-1")):
        loaded = db.load(state)
        yield from (loaded, shown(loaded), db.diff(0, "main", state), db.diff(1, 2, state))
        yield from (db.blame(state), [part.shown for part in db.blame(state)])


def written(values: Iterator[object]) -> str:
    return "\n".join(f"{value!r} {value} {encoded_text(value)}" for value in values)


def encoded_text(value: object) -> str:
    return msgspec.json.encode(value).decode() if isinstance(value, dict) else ""


def test_a_hidden_field_is_withheld_in_all_output(reader: ScopedDatabase) -> None:
    assert VEILED in written(outputs(reader))
    with HIDDEN.applied(), personal_shown():
        text = written(outputs(reader))
    assert VEILED not in text
    assert "secret-token" not in text
    assert '"email":"withheld"' in text
    assert '"kept":1' in text
    assert '"open":1' in text


def test_what_verbs_return_withholds_also_where_the_caller_has_applied_nothing(
    reader: ScopedDatabase,
) -> None:
    for state in (Member("m-1"), Latest("member:m-1")):
        assert VEILED not in f"{reader.diff(0, 'main', state)} {reader.blame(state)}"
        assert VEILED not in str([part.shown for part in reader.blame(state)])


def test_a_field_of_one_class_is_hidden_in_that_class_alone() -> None:
    with Scope(hidden=("Left.mail",)).applied():
        assert repr(Left("m", VEILED)) == "Left(member='m', mail=withheld)"
        assert repr(Wrote("m", VEILED)) == f"Wrote(member='m', mail='{VEILED}')"
    with Scope(hidden=("hidden.left.mail",)).applied():
        assert repr(Left("m", VEILED)) == "Left(member='m', mail=withheld)"


def test_a_recorded_argument_of_a_hidden_name_is_withheld(reader: ScopedDatabase) -> None:
    with HIDDEN.applied():
        [commit] = reader.log.find(next(reader.commits()).id)
        document = msgspec.json.encode(commit_document(commit, "")).decode()
    assert '"email":"withheld"' in document
    assert '"note":"kept"' in document


def test_a_name_is_withheld_at_any_depth_of_an_argument_beside_one_that_is_marked() -> None:
    with connect() as db:
        db.execute(opening(Member("m"), {"deep": [{"email": VEILED, "kept": 1}]}, "secret"))
        [commit] = db.commits()
    with HIDDEN.applied():
        document = msgspec.json.encode(commit_document(commit, "")).decode()
    assert '"more":{"deep":[{"email":"withheld","kept":1}]}' in document


ASKED: dict[str, Callable[[Database], object]] = {
    "bisect": lambda db: db.bisect(Member("m-1"), f"email == '{VEILED}'"),
    "bisect of a part": lambda db: db.bisect(Member("m-1"), "home.email == 'x'"),
    "bisect of a whole": lambda db: db.bisect(Member("m-1"), "home == 'x'"),
    "bisect of any value": lambda db: db.bisect(Member("m-1"), "any(one == 'x' for one in more.values())"),
    "bisect of a tag": lambda db: db.bisect(Latest("member:m-1"), "email == 'x'"),
    "bisect of a tag's field of a class": lambda db: db.bisect(Latest("member:m-1"), "mail == 'x'"),
    "bisect of a part of a tag's field": lambda db: db.bisect(Latest("member:m-1"), "deep['email'] == 'x'"),
    "turns": lambda db: list(db.turns(Member, "email == 'x'")),
    "find": lambda db: db.find(Member, "email == 'x'"),
    "order": lambda db: db.find(Member, order_by="-email"),
    "a tag": lambda db: db.tags("email"),
}


@pytest.mark.parametrize("question", ASKED)
def test_a_question_about_a_hidden_field_is_refused(question: str, reader: ScopedDatabase) -> None:
    with pytest.raises(OutOfScope):
        ASKED[question](reader)


@pytest.mark.parametrize("path", ["email", "home", "home.email", "more", "more.deep", ""])
def test_a_search_for_a_value_of_a_hidden_field_is_refused(path: str, reader: ScopedDatabase) -> None:
    with HIDDEN.applied():
        with pytest.raises(OutOfScope):
            list(commits_with(reader.log, Member("m-1"), path, VEILED))
        with pytest.raises(OutOfScope):
            list(commits_with_any(reader.log, Member, path, VEILED))
        with pytest.raises(OutOfScope):
            check_path(tuple(path.split(".")), Member)


def test_values_within_a_tags_field_are_asked_about_as_they_are_shown(reader: ScopedDatabase) -> None:
    """No class says what is in them, so they are compared with what the reader sees."""
    with HIDDEN.applied():
        for value, hits in (('{"list":[{"email":"veiled@x"}]}', 0), ('{"list":[{"email":"withheld"}]}', 1)):
            assert len(list(commits_with(reader.log, Latest("member:m-1"), "deep", value))) == hits
            assert len(list(commits_with_any(reader.log, Latest, "deep", value))) == hits
        assert [record.type for record in grep_events(reader.log, "veiled")] == []


def test_what_is_not_hidden_can_be_asked_for(reader: ScopedDatabase) -> None:
    assert reader.bisect(Member("m-1"), "count > 1").turns[0].record.position == 2
    assert reader.bisect(Latest("member:m-1"), "open == 1").turns[0].record.position == 4
    assert reader.find(Member, "count > 1", order_by="count")[0].count == 3
    with HIDDEN.applied(), pytest.raises(ExpressionError, match="no field 'mial'"):
        condition("mial == 1", Member)


def test_what_is_hidden_for_one_reader_is_shown_to_another_at_the_same_time() -> None:
    found: list[str] = []
    with HIDDEN.applied():
        thread = Thread(target=lambda: found.append(repr(Left("m", VEILED))))
        thread.start()
        thread.join()
        assert repr(Left("m", VEILED)) == "Left(member='m', mail=withheld)"
    assert found == [f"Left(member='m', mail='{VEILED}')"]
    assert repr(Left("m", VEILED)) == f"Left(member='m', mail='{VEILED}')"


def test_each_value_of_a_stream_is_found_with_the_scope_wherever_it_is_asked_for() -> None:
    def words() -> Iterator[str]:
        for _ in range(3):
            yield repr(Left("m", VEILED))

    stream = HIDDEN.each(words())
    assert next(stream) == "Left(member='m', mail=withheld)"
    assert contextvars.copy_context().run(next, stream) == "Left(member='m', mail=withheld)"
    assert repr(Left("m", VEILED)) == f"Left(member='m', mail='{VEILED}')"
    assert len(list(stream)) == 1


def test_what_a_class_keeps_of_itself_does_not_depend_on_the_reader() -> None:
    with HIDDEN.applied():

        @command(name="hidden.told")
        def told(member: Member, email: str) -> Iterator[Joined]:
            yield Joined(member.member, email)

        assert own_veil(Left) is None
        assert veil_of(Left) is not None
    assert "veiled" in repr(told(Member("m-1"), VEILED))
    assert predicate("email == 'x'", Member).fields == {"email"}
