"""Marks: where they may stand, what is recorded, and how values, commands and errors show themselves."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast

import msgspec
import pytest

from backstory import (
    ClearTextWarning,
    Command,
    Condition,
    Conflict,
    Database,
    Event,
    Latest,
    NewId,
    Personal,
    Secret,
    State,
    Subject,
    Tag,
    command,
    connect,
    depends,
    personal_shown,
    provided,
)
from backstory.documents.types import type_name
from backstory.errors import BackstoryError, DefinitionError, InvalidEvent
from backstory.history.compare.diff import diff
from backstory.history.compare.patch import lines
from backstory.history.merge.merge import Options
from backstory.testing import given
from backstory.testing.story import listening
from backstory.values.codec import PLAIN
from backstory.values.commit import draft
from backstory.values.event_data import encoded
from backstory.values.masking import masked_command, masked_data
from tests.history.ledger import reported
from tests.privacy.app import (
    PERSONAL,
    SECRET,
    Address,
    Called,
    Key,
    Mailed,
    Paid,
    Registered,
    Renamed,
    User,
    enrol,
    rename,
    wrong,
)

REGISTERED = Registered("u-1", PERSONAL, age=41)
EVENTS: list[Any] = [REGISTERED, Renamed("u-1", PERSONAL), Called("u-1"), Mailed("u-1"), Paid(user="u-1")]


@pytest.fixture
def db() -> Iterator[Database]:
    with connect() as db, warnings.catch_warnings():
        warnings.simplefilter("ignore", ClearTextWarning)
        yield db


def enrolled() -> Command:
    return enrol(User("u-1"), name=PERSONAL, password=SECRET, keys=(Key("a"),))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize(
    "written", [repr, str, lambda event: str(event.__rich_repr__())], ids=["repr", "str", "rich"]
)
def test_an_event_shows_nothing_that_is_marked_whatever_its_class_is(
    event: Any, written: Callable[[Any], str]
) -> None:
    assert "canary" not in written(event)
    assert "u-1" in written(event)
    assert "***" in written(event)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_what_is_stored_is_the_value_itself(event: Any) -> None:
    assert PLAIN.decode(PLAIN.encode(event)) == event
    assert b"canary" in PLAIN.encode(event).data
    assert "canary" not in repr(PLAIN.encode(event))
    assert b"canary" not in masked_data(PLAIN.encode(event))


def test_a_mask_reaches_into_fields_of_fields_and_keeps_the_shape() -> None:
    assert msgspec.json.decode(masked_data(PLAIN.encode(REGISTERED))) == {
        "user": "u-1",
        "fullName": "***",
        "token": "***",
        "age": "***",
        "homes": [{"city": "Ulm", "street": "***"}],
        "keys": [["first", "***"]],
        "plan": "free",
    }


def test_personal_values_are_shown_where_that_is_asked_for_and_secrets_never() -> None:
    with personal_shown():
        shown = repr(REGISTERED)
    assert PERSONAL in shown
    assert SECRET not in shown
    assert PERSONAL not in repr(REGISTERED)


def test_a_field_that_the_class_does_not_name_is_masked_as_one_of_another_version() -> None:
    old = encoded("privacy.renamed", b'{"user":"u-1","name":"canary","plan":"x"}', ("user:u-1",))
    assert msgspec.json.decode(masked_data(old)) == {"user": "u-1", "name": "***", "plan": "x"}
    newer = encoded("privacy.renamed", b'{"user":"u-1","name":"canary"}', ("user:u-1",), 2)
    assert "canary" not in repr(PLAIN.decode(newer))


def test_a_state_shows_nothing_that_is_marked() -> None:
    state = User("u-1", PERSONAL, SECRET, [Address("Ulm")])
    assert (
        repr(state)
        == str(state)
        == "User(user='u-1', full_name=***, token=***, homes=[Address(city='Ulm', street=***)], plan='')"
    )
    assert lines(diff(User("u-1"), state))[0].after == '"***"'
    assert "canary" not in repr(diff(User("u-1"), state))


@pytest.mark.parametrize(
    "annotation", [Personal[Tag[str]], Tag[Personal[str]], Tag[Secret[str]], Subject[Personal[str]]]
)
def test_a_tag_cannot_be_personal_or_secret(annotation: Any) -> None:
    with pytest.raises(DefinitionError, match="is a tag, which is searched and shown everywhere"):
        type("Marked", (Event,), {"__annotations__": {"user": annotation}, "__module__": __name__})


def test_what_tells_a_state_from_others_cannot_be_marked() -> None:
    with pytest.raises(DefinitionError, match=r"Nameless\.name says which state it is"):

        class Nameless(State):
            name: Personal[str]

            def query(self) -> Any: ...

            def apply(self, event: Renamed) -> None: ...


def test_a_secret_argument_is_not_recorded_and_said_to_be_withheld() -> None:
    assert enrolled().recorded() == {
        "name": "enrol",
        "arguments": {"user": {"user": "u-1"}, "name": PERSONAL, "plan": "free"},
        "states": ["user"],
        "withheld": ["password", "keys"],
    }
    assert "withheld" not in rename(User("u-1"), name="Ann").recorded()


class Desk(State):
    """A state without identity."""

    seen: int = 0

    def apply(self, event: Renamed) -> None: ...


def of_name(name: str) -> User:
    return User(name)


@command
def meet(
    desk: Desk, name: Personal[str], user: User = depends(of_name), new: NewId = provided
) -> list[Renamed]:
    return [Renamed(new, name)]


def test_a_dependency_takes_a_marked_argument_as_its_plain_type(db: Database) -> None:
    assert meet(Desk(), "ann").kind.is_plain is False

    def of_number(name: int) -> User:
        return User(str(name))

    def wrongly(name: Personal[str], user: User = depends(of_number)) -> None: ...

    with pytest.raises(DefinitionError, match="takes name as <class 'int'>"):
        command(wrongly)


def test_of_a_recorded_command_only_what_is_marked_is_masked(db: Database) -> None:
    commit = db.execute(meet(Desk(), PERSONAL, new="u-7"))
    assert commit is not None
    recorded: Any = commit.command
    assert msgspec.json.decode(masked_command(msgspec.json.encode(recorded))) == recorded | {
        "arguments": {**recorded["arguments"], "name": "***"}
    }


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (Personal[str], "Personal[str]"),
        (Secret[list[str]], "Secret[list[str]]"),
        (str | None, "str | None"),
        (list[Personal[datetime]], "list[Personal[datetime]]"),
    ],
)
def test_a_marked_type_is_shown_as_it_is_written(annotation: Any, text: str) -> None:
    assert type_name(annotation) == text


def test_a_command_shows_nothing_that_is_marked(db: Database) -> None:
    shown = "enrol(u-1, name=***, password=***, keys=(Key(name='a', value=***),), plan='free')"
    assert str(enrolled()) == repr(enrolled()) == shown
    assert "canary" not in f"{enrolled()} {enrolled()!r}"
    commit = db.execute(enrolled())
    assert commit is not None
    assert "canary" not in repr(commit) + commit.message + repr(list(db.read())) + repr(list(db.log.read()))


def test_a_command_whose_argument_was_not_recorded_cannot_be_decided_again(db: Database) -> None:
    db.branch("what-if")
    db.switch("what-if").execute(enrolled())
    db.append(Renamed("u-1", "Ann"))
    report = reported(db.merge, "what-if", Options(resolution="redecide"))
    assert not report.done
    assert report.conflicts[0].reason == (
        "its arguments `password` and `keys` were not recorded, so it cannot be decided again"
    )


def errors(db: Database) -> Iterator[Callable[[], object]]:
    """What goes wrong with marked values at hand."""
    yield lambda: enrol(cast("Any", PERSONAL), name=PERSONAL, password=SECRET)
    yield lambda: enrol(User("u-1"), name=PERSONAL, password=SECRET, plan=cast("Any", [SECRET]))
    yield lambda: db.execute(wrong(User("u-1"), name=PERSONAL))
    yield lambda: db.execute(rename(User("u-1"), name=PERSONAL + "2"), id="once")
    yield lambda: db.append(Renamed("u-1", cast("Any", {PERSONAL})))
    yield lambda: db.append(Called("u-1", cast("Any", object())), Renamed("u-1", cast("Any", [PERSONAL])))
    for data in (b'{"user":"u-1","card":["SECRET-canary"]}', b'{"user":"u-1","cents":"SECRET-canary"}'):
        yield partial(PLAIN.decode, encoded("Paid", data, ("user:u-1",)))
    yield lambda: PLAIN.decode(
        encoded("privacy.renamed", b'{"user":"u-1","full_name":["canary"]}', ("user:u-1",))
    )


@pytest.mark.parametrize("number", range(9))
def test_no_error_shows_what_is_marked(db: Database, number: int) -> None:
    db.execute(rename(User("u-1"), name=PERSONAL), id="once")
    with pytest.raises((BackstoryError, TypeError)) as raised:
        list(errors(db))[number]()
    assert "canary" not in repr(raised.value) + str(raised.value)
    assert "canary" not in "".join(
        line for line in traceback.format_exception(raised.value) if not line.startswith("  File")
    )


def test_a_conflict_shows_nothing_of_the_events_in_the_way(db: Database) -> None:
    db.append(REGISTERED)
    with pytest.raises(Conflict) as raised:
        db.append(REGISTERED, condition=Condition(User("u-1").query(), 0))
    assert "canary" not in repr(raised.value) + str(raised.value)


def test_a_scenario_tells_and_fails_without_what_is_marked() -> None:
    with listening() as stories:
        scenario = given(REGISTERED).when(rename(User("u-1"), name=f"{PERSONAL}-2"))
        scenario.then(Renamed("u-1", f"{PERSONAL}-2")).then_state(
            User("u-1", f"{PERSONAL}-2", SECRET, [Address("Ulm")], "paid")
        )
        with pytest.raises(AssertionError) as failed:
            scenario.then(Renamed("u-1", f"{PERSONAL}-3", "x"))
    told = "\n".join(line for story in stories for step in story.steps for line in step.lines)
    assert "Renamed(u-1, full_name=***" in told
    assert "canary" not in told + str(failed.value)
    assert "full_name  expected ***" in str(failed.value)


def test_a_store_that_is_given_personal_data_says_once_that_it_lies_in_clear_text() -> None:
    with connect() as db, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for name in ("Ann", "Bea"):
            db.append(Renamed("u-1", name))
            db.execute(rename(User("u-1"), name=f"{name} Ray"))
    [warning] = caught
    assert warning.category is ClearTextWarning
    assert warning.filename == __file__
    assert "privacy.renamed" in str(warning.message)


def test_what_is_known_about_a_tag_shows_nothing_that_is_marked(db: Database) -> None:
    db.append(REGISTERED)
    known = db.load(Latest("user:u-1"))
    assert known.fields["fullName"].value == PERSONAL
    assert "canary" not in repr(known)
    parts = list(db.blame(Latest("user:u-1")))
    assert "canary" not in repr(parts) + str([part.__rich_repr__() for part in parts])


def test_a_draft_shows_nothing_that_is_marked() -> None:
    made = draft(
        [PLAIN.encode(REGISTERED)],
        id="one",
        time=datetime.now(UTC),
        command={"name": "rename", "arguments": {"name": PERSONAL}},
    )
    assert "canary" not in repr(made) + str(made.__rich_repr__())


def test_an_event_that_would_not_come_back_is_refused_without_its_value() -> None:
    class Noted(Event, name="privacy.noted"):
        user: Subject[str]
        note: Personal[Any]

    for value in ((PERSONAL,), {PERSONAL}, {1: PERSONAL}, object()):
        with pytest.raises(InvalidEvent, match=r"privacy\.noted") as refused:
            PLAIN.encode(Noted("u-1", value))
        assert PERSONAL not in str(refused.value)
        assert refused.value.__cause__ is None


def test_an_argument_that_would_not_come_back_is_refused_without_its_value() -> None:
    @command
    def note(user: User, text: Personal[Any]) -> None: ...

    with pytest.raises(InvalidEvent, match="note: text") as refused:
        note(User("u-1"), (PERSONAL,)).recorded()
    assert PERSONAL not in str(refused.value)
