"""The changes of a commit are those of the states that it concerns, whatever else happened."""

from __future__ import annotations

import pytest

from backstory import Event, State, Tag
from backstory.errors import ApplicationError
from backstory.history.ask.changes import FieldChange, changed, changed_at, changes
from backstory.history.compare.diff import diff_states
from tests.history.ledger import Book, enter, ledger


class Spoilt(Event, name="changes.spoilt"):
    """Of these tests alone: the verbs of others ask every state of an event."""

    book: Tag[str]


class Broken(State):
    book: Tag[str]

    def apply(self, event: Spoilt) -> None:
        raise KeyError("planted")


class Noted(Event, name="changes.noted"):
    book: Tag[str]
    words: str


def test_the_fields_of_a_state_are_given_before_and_after_and_what_is_left_out_is_counted() -> None:
    db = ledger()
    db.execute(enter(Book("a"), 4))
    second = db.execute(enter(Book("a"), 5))
    assert second is not None
    found = changes(db.log, second, [Book])
    assert found.fields[1] == FieldChange(("Book", "a"), "changed", "total", 4, 9)
    assert (found.fields[0].name, found.left, found.states) == ("Book a", 0, 1)
    assert changes(db.log, second, [Book], limit=1).left == 1


def test_without_a_state_the_tags_of_the_events_are_compared() -> None:
    db = ledger()
    db.append(Noted("a", "one"))
    second = db.append(Noted("a", "two"))
    assert changes(db.log, second, ()).fields == (FieldChange(("book:a",), "changed", "words", "one", "two"),)
    assert not list(changed(db.log, second, (), tags=["book:b"]))


def test_an_error_in_the_code_of_a_state_names_the_state() -> None:
    db = ledger()
    made = db.append(Spoilt("a"))
    with pytest.raises(ApplicationError, match=r"Broken.apply failed:(.|\n)*KeyError: 'planted'"):
        changes(db.log, made, [Broken])


def test_the_changes_by_events_of_one_state_are_those_between_the_positions() -> None:
    db = ledger()
    for number in range(1, 6):
        db.execute(enter(Book("a"), number))
    found = changed_at(db.log, Book("a"), [2, 5])
    assert found == {
        position: diff_states(db.log, position - 1, db.log, position, Book("a")) for position in (2, 5)
    }
    assert changed_at(db.log, Book("a"), []) == {}
