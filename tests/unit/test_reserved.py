"""What begins with `backstory.` is the library's: types of events, and ids of commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from backstory import Event, State, Tag, command, register
from backstory.database import Database
from backstory.errors import DefinitionError, InvalidEvent
from backstory.history.refs.decisions import redecided
from backstory.stores.memory import MemoryStore
from backstory.values.commit import draft
from backstory.values.event import definitions
from backstory.values.event_data import encoded
from backstory.values.ids import ID_LIMIT, derived

NOW = datetime(2026, 11, 1, tzinfo=UTC)


class Opened(Event, name="reserved.opened"):
    account: Tag[str]


class Account(State):
    account: Tag[str]
    opened: bool = False

    def apply(self, event: Opened) -> None:
        self.opened = True


@command
def open_account(account: Account) -> Opened | None:
    return None if account.opened else Opened(account.account)


@pytest.fixture
def db() -> Database:
    return Database(MemoryStore())


def test_no_class_can_take_a_type_of_the_library() -> None:
    with pytest.raises(DefinitionError, match=r"the name 'backstory\.Mine' begins with 'backstory\.'"):

        class Mine(Event, name="backstory.Mine"):
            pass

    @dataclass(frozen=True)
    class Other:
        number: int

    with pytest.raises(DefinitionError, match="kept for Backstory itself"):
        register(Other, name="backstory.Other")
    assert not {"backstory.Mine", "backstory.Other"} & definitions.keys()


def test_no_event_of_such_a_type_is_appended(db: Database) -> None:
    with pytest.raises(InvalidEvent, match=r"the event type 'backstory\.x' begins with"):
        db.append(Opened("a"), encoded("backstory.x", b"{}"))
    assert db.head().position == 0


def test_no_caller_can_give_an_id_of_the_library(db: Database) -> None:
    for id in ("backstory.", "backstory.import.7", redecided("X")):
        with pytest.raises(InvalidEvent, match="which is kept for Backstory itself"):
            db.append(Opened("a"), id=id)
        with pytest.raises(InvalidEvent, match="choose another"):
            db.execute(open_account(Account("a")), id=id)
    assert db.head().position == 0


@pytest.mark.parametrize("name", ["backstory", "Backstory.x", "backstory:x", "my.backstory.x", "x'"])
def test_other_names_are_anybodys(db: Database, name: str) -> None:
    commit = db.append(encoded(name, b"{}"), id=name)
    assert (commit.id, next(db.read()).type) == (name, name)


def test_the_library_says_so_where_it_gives_such_a_name_itself() -> None:
    event = encoded("backstory.x", b"{}")
    made = draft([event], id="backstory.x.1", time=NOW, reserved_id=True, reserved_types=True)
    assert (made.id, made.events[0].type) == ("backstory.x.1", "backstory.x")


def test_an_id_that_would_be_too_long_keeps_its_beginning_and_stays_apart() -> None:
    fits = "x" * (ID_LIMIT - len("backstory.again."))
    assert derived("again", fits) == f"backstory.again.{fits}"
    long = {derived("again", fits + end) for end in "ab"}
    assert {len(id) for id in long} == {ID_LIMIT}
    assert len(long) == 2
    assert all(id.startswith("backstory.again.xxx") for id in long)
