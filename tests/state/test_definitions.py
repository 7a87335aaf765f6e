"""A state whose `apply` gives something back, or whose event class was defined anew, says so in words."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NoReturn

import pytest

import backstory
from backstory import Event, State, Tag, connect
from backstory.decide.state import defined_states
from backstory.errors import DecisionError, DefinitionError, ProjectionError
from backstory.store import Record
from backstory.values.event_data import RecordedEvent


class Counted(Event, name="definitions.counted"):
    item: Tag[str]


class Count(State):
    item: Tag[str]
    n: int = 0


META: Any = type(Count)


def function(result: Any) -> Any:
    def apply(self: Any, event: Counted) -> Any:
        return Count(self.item, self.n + 1)

    apply.__annotations__ = {"event": Counted, **({} if result is ... else {"return": result})}
    return apply


async def waits(self: Any, event: Counted) -> None:
    """Nobody would await it."""


def yields(self: Any, event: Counted):  # type: ignore[no-untyped-def]
    yield event


@pytest.mark.parametrize(
    "apply", [function("Count"), function(Count), function(int), function(Iterator[int]), waits, yields]
)
def test_an_apply_that_says_that_it_gives_something_back_is_refused_when_it_is_defined(apply: Any) -> None:
    with pytest.raises(DefinitionError, match="apply changes the state itself"):
        META("Returning", (Count,), {"apply": apply, "__module__": __name__})


@pytest.mark.parametrize("result", [None, Any, NoReturn, ...])
def test_an_apply_that_gives_something_back_without_saying_so_is_refused_when_it_is_used(result: Any) -> None:
    cls: Any = META("Returning", (Count,), {"apply": function(result), "__module__": __name__})
    with connect() as db:
        assert db.load(cls("a")).n == 0
        db.append(Counted("a"))
        with pytest.raises(DefinitionError, match="gave a value of type Count, which would be lost"):
            db.load(cls("a"))


def test_so_is_one_that_takes_records_or_stored_events() -> None:
    class OfRecords(Count):
        def apply(self, event: Counted, record: Record):  # type: ignore[no-untyped-def]
            return record.position

    class OfStored(Count):
        def apply(self, event: RecordedEvent):  # type: ignore[no-untyped-def]
            return event.position

    with connect() as db:
        db.append(Counted("a"))
        for cls in (OfRecords, OfStored):
            with pytest.raises(DefinitionError, match="gave a value of type int"):
                db.load(cls("a"))


EVENT = """
class Opened(Event, name="definitions.opened"):
    door: Tag[str]
"""

STATE = """
class Door(State):
    door: Tag[str]
    opened: int = 0

    def apply(self, event: Opened) -> None:
        match event:
            case Opened():
                self.opened += 1
"""


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names of a notebook, whose cells are run with `exec`."""
    notebook = ModuleType("notebook")
    monkeypatch.setitem(sys.modules, "notebook", notebook)
    vars(notebook).update({name: getattr(backstory, name) for name in backstory.__all__})
    return vars(notebook)


def run(cells: dict[str, Any], text: str, name: str) -> None:
    exec(compile(text, name, "exec"), cells)


def test_a_state_of_an_event_class_that_was_defined_anew_says_to_define_it_anew_too(
    cells: dict[str, Any],
) -> None:
    with connect() as db:
        exec(EVENT + STATE, cells)
        door = cells["Door"]("front")
        db.append(cells["Opened"]("front"))
        assert db.load(door).opened == 1
        exec(EVENT, cells)
        for use in (db.load, db.blame, lambda state: list(db.read(state)), lambda state: state.query()):
            with pytest.raises(DefinitionError, match="define Door anew too, after the event"):
                use(door)
        assert type(door) not in defined_states()
        exec(STATE, cells)
        assert db.load(cells["Door"]("front")).opened == 1


COMMAND = """
@command
def open_door(door: str) -> Opened:
    return Opened(door)

@command
def open_again(door: Door) -> None: ...
"""


def test_a_command_whose_event_class_was_defined_anew_says_that_there_are_two_and_where_each_is(
    cells: dict[str, Any],
) -> None:
    run(cells, EVENT, "cell-1")
    run(cells, COMMAND.replace("Door", "str"), "cell-2")
    run(cells, EVENT, "cell-3")
    two = (
        r"its return annotation says Opened: there are two classes of this name, notebook\.Opened \(cell-1:2\), which"
        r" is wanted, and notebook\.Opened \(cell-3:2\), which was given"
    )
    with connect() as db:
        for use in (db.execute, db.preview):
            with pytest.raises(DecisionError, match=two):
                use(cells["open_door"]("front"))
        run(cells, COMMAND.replace("Door", "str"), "cell-2")
        assert db.execute(cells["open_door"]("front")).new


def test_so_does_one_that_is_given_a_state_of_a_class_that_was_defined_anew(cells: dict[str, Any]) -> None:
    run(cells, EVENT + STATE, "cell-1")
    run(cells, COMMAND, "cell-2")
    run(cells, EVENT + STATE, "cell-3")
    with pytest.raises(TypeError, match=r"door is a Door, not .* two classes .*cell-1:5\), .*cell-3:5\)"):
        cells["open_again"](cells["Door"]("front"))


PROJECTION = """
class Doors(Projection):
    tables = "CREATE TABLE doors (door TEXT)"

    def apply(self, event: Opened, tx: Tx) -> None:
        match event:
            case Opened(door=door):
                tx.execute("INSERT INTO doors VALUES (?)", (door,))
"""


@pytest.mark.parametrize("live", [True, False])
def test_so_does_a_projection_which_would_leave_out_its_events(cells: dict[str, Any], live: bool) -> None:
    run(cells, EVENT + PROJECTION, "cell-1")
    old = cells["Doors"]
    run(cells, EVENT, "cell-2")
    with connect() as db:
        db.append(cells["Opened"]("front"))
        with pytest.raises(ProjectionError, match="define Doors anew too, after the event"), db.run(old):
            db.rows(old, "SELECT * FROM doors", live=live)
        run(cells, PROJECTION, "cell-1")
        assert db.rows(cells["Doors"], "SELECT * FROM doors", live=True) == [("front",)]
