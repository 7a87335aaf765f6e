"""A command that only changes its state is told that the change would be lost, wherever it decides."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from backstory import Database, Event, State, Tag, command
from backstory.errors import DecisionError
from backstory.testing import given


class Put(Event, name="lost.put"):
    shelf: Tag[str]
    item: str


class Odd:
    """A value that does not equal its copy."""


class Shelf(State):
    shelf: Tag[str]
    items: list[str] = []
    odd: Any = None

    def apply(self, event: Put) -> None:
        self.items.append(event.item)
        if event.item == "odd":
            self.odd = Odd()


@command
def clear(shelf: Shelf) -> Put | None:
    shelf.items.clear()
    return None


@command
def rename(shelf: Shelf, name: str) -> Put | None:
    shelf.odd = name
    return None


@command
def look(shelf: Shelf) -> Put | None:
    deepcopy(shelf).items.clear()
    return None


@command
def clear_all(shelves: list[Shelf]) -> Put | None:
    for shelf in shelves[1:]:
        shelf.items.clear()
    return None


@command
def put(shelf: Shelf, item: str) -> Put:
    shelf.items.append(item)  # to think with: the event says it again
    return Put(shelf.shelf, item)


def together(db: Database, made: Any) -> None:
    """Decide a command as one of several."""
    with db.atomic() as tx:
        tx.execute(made)


DECIDING: list[Callable[[Database, Any], Any]] = [
    lambda db, made: db.execute(made),
    together,
    lambda db, made: db.preview(made),
    lambda db, made: given(Put("s", "pen")).when(made).then_nothing(),
]


@pytest.mark.parametrize("decide", DECIDING)
def test_a_change_that_no_event_says_is_an_error(
    db: Database, decide: Callable[[Database, Any], Any]
) -> None:
    db.append(Put("s", "pen"))
    with pytest.raises(
        DecisionError, match=r"clear\(s\) gave no event, and changed shelf: only events are kept"
    ):
        decide(db, clear(Shelf("s")))
    with pytest.raises(DecisionError, match="an event that Shelf applies"):
        decide(db, rename(Shelf("s"), "x"))
    with pytest.raises(DecisionError, match=r"changed shelves\[1\]"):
        decide(db, clear_all([Shelf("t"), Shelf("s")]))
    assert db.load(Shelf("s")).items == ["pen"]


@pytest.mark.parametrize("decide", DECIDING)
def test_a_command_that_changes_nothing_or_a_copy_is_fine(
    db: Database, decide: Callable[[Database, Any], Any]
) -> None:
    db.append(Put("s", "pen"))
    decide(db, look(Shelf("s")))


def test_so_is_one_that_gives_events_and_one_whose_state_cannot_be_compared(db: Database) -> None:
    db.execute(put(Shelf("s"), "pen"))
    db.append(Put("s", "odd"))
    assert db.execute(look(Shelf("s"))) is None
    assert db.execute(clear(Shelf("s"))) is None
