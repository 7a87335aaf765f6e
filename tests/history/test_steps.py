"""Steps: the events of one state around a point, and the leaves that each changed."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import pytest

from backstory import Database, Event, Personal, State, Tag, connect
from backstory.decide.latest import Latest
from backstory.history.ask.diff_all import both
from backstory.history.ask.steps import Steps, events_around, most_steps, steps_of
from backstory.history.compare.place import written
from backstory.history.compare.shape import Keyed


class Line(msgspec.Struct):
    sku: str
    count: int


class Put(Event, name="steps.put"):
    cart: Tag[str]
    sku: str
    count: int


class Taken(Event, name="steps.taken"):
    cart: Tag[str]
    sku: str


class Named(Event, name="steps.named"):
    cart: Tag[str]
    email: Personal[str]


class Cart(State):
    cart: Tag[str]
    lines: Annotated[list[Line], Keyed("sku")] = []
    email: Personal[str] = ""
    by_sku: dict[str, dict[str, int]] = {}

    def apply(self, event: Put | Taken | Named) -> None:
        match event:
            case Put():
                self.lines.append(Line(event.sku, event.count))
                self.by_sku[event.sku] = {"count": event.count}
            case Taken():
                self.lines = [line for line in self.lines if line.sku != event.sku]
                del self.by_sku[event.sku]
            case Named():
                self.email = event.email


pytestmark = pytest.mark.filterwarnings("ignore::backstory.errors.ClearTextWarning")

CART = Cart("c")


@pytest.fixture
def db() -> Database:
    """A cart, and another one beside it."""
    db = connect()
    db.append(Put("c", "ink", 2))
    db.append(Put("other", "pen", 1))
    db.append(Put("c", "pen", 1))
    db.append(Named("c", "ann@example.org"))
    db.append(Taken("c", "ink"))
    return db


def steps(db: Database, at: int, most: int = 100, reference: State = CART) -> Steps:
    """The steps around a position."""
    around = events_around(db.log, reference, at, db.head().position, most)
    assert around is not None
    return steps_of(db.log, reference, around, db.load)


def told(found: Steps, index: int) -> dict[str, tuple[Any, Any]]:
    """The changes of a step, as they are shown."""
    pairs = found.steps[index].changes.items()
    return {
        written(label): (before and before.shown, after and after.shown) for label, (before, after) in pairs
    }


def test_a_step_has_the_leaves_that_its_event_changed_by_the_names_that_a_difference_gives_them(
    db: Database,
) -> None:
    found = steps(db, 5)
    assert told(found, 1) == {
        "lines[sku=pen].sku": (None, "pen"),
        "lines[sku=pen].count": (None, 1),
        "by_sku.pen.count": (None, 1),
    }
    assert told(found, 3) == {
        "lines[sku=ink].sku": ("ink", None),
        "lines[sku=ink].count": (2, None),
        "by_sku.ink.count": (2, None),
    }


def test_a_masked_leaf_is_masked_in_a_step_and_its_change_is_seen(db: Database) -> None:
    db.append(Named("c", "bob@example.org"))
    found = steps(db, 6)
    assert told(found, 4) == {"email": ("***", "***")}
    assert "example.org" not in repr([leaf.shown for leaf in found.leaves.values()])


@pytest.mark.parametrize("most", [1, 2, 3, 4, 10])
@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
def test_a_window_says_the_same_of_its_events_as_the_whole(db: Database, at: int, most: int) -> None:
    whole, found = steps(db, at), steps(db, at, most)
    offset = [step.event for step in whole.steps].index(found.steps[0].event)
    assert len(found.steps) == min(most, 4)
    assert found.leaves == whole.leaves
    assert found.steps[found.chosen].event == whole.steps[whole.chosen].event
    for index, step in enumerate(found.steps[1:], 1):
        assert step.changes == whole.steps[offset + index].changes


def test_a_window_says_whether_there_is_more_on_either_side(db: Database) -> None:
    around = events_around(db.log, CART, 3, 5, 2)
    assert around is not None
    assert [event.position for event in around.events] == [3, 4]
    assert (around.before, around.after) == (True, True)
    assert events_around(db.log, CART, 0, 5, 2) is None


def test_a_tag_has_steps_without_code(db: Database) -> None:
    found = steps(db, 5, reference=Latest("cart:c"))
    assert told(found, 1) == {"sku": ("ink", "pen"), "count": (2, 1)}
    assert told(found, 2) == {"email": (None, "***")}


def test_a_large_state_is_compared_at_fewer_steps() -> None:
    small, large = Cart("c"), Cart("c", email="x" * 5_000_000)
    assert most_steps(small, 2_000) == 2_000
    assert most_steps(large, 2_000) == 1


def test_entities_that_differ_are_new_gone_or_changed(db: Database) -> None:
    db.append(Put("new", "pad", 1))

    def kinds(a: int, b: int) -> dict[str, str]:
        found = both(db.branches, lambda _: db.log, db.point(a), db.point(b), Cart).found()
        return {each.reference.cart: each.kind for each in found if isinstance(each.reference, Cart)}

    assert kinds(3, 6) == {"c": "changed", "new": "new"}
    assert kinds(6, 3) == {"c": "changed", "new": "gone"}
