"""Other ways to fill a field or a column: no rule finds a fault in them, because a wrong finding is worse than none."""

from __future__ import annotations

import pytest

from tests.model.conftest import Modelled
from tests.model.test_lints import LAMP, TRIED, listed

ROOMS = {
    "an object with another name than self": """
    def apply(this, event: Switched) -> None:
        this.lit.append(1)
        this.dark.append(1)
""",
    "one of two lists": """
    def apply(self, event: Switched) -> None:
        (self.lit if event.on else self.dark).append(1)
""",
    "a list, or the other where it is empty": """
    def apply(self, event: Switched) -> None:
        (self.lit or self.dark).append(1)
""",
    "a property that sets a field": """
    @property
    def both(self) -> int:
        return 0

    @both.setter
    def both(self, number: int) -> None:
        self.lit, self.dark = [number], [number]

    def apply(self, event: Switched) -> None:
        self.both = 1
""",
    "a method of a class that is given the object": """
    @classmethod
    def note(cls, room: Room) -> None:
        room.lit, room.dark = [1], [1]

    def apply(self, event: Switched) -> None:
        self.note(self)
""",
    "a name that is put together": """
    def apply(self, event: Switched) -> None:
        getattr(self, "on_" + type(event).__name__.lower())()

    def on_switched(self) -> None:
        self.lit, self.dark = [1], [1]
""",
    "a subclass that fills it": """
    def apply(self, event: Switched) -> None:
        self.note()

    def note(self) -> None: ...

class Hall(Room):
    def note(self) -> None:
        self.lit, self.dark = [1], [1]
""",
}


@pytest.mark.parametrize("body", ROOMS.values(), ids=ROOMS)
def test_a_field_is_filled_by(modelled: Modelled, body: str) -> None:
    room = "\nclass Room(State):\n    lamp: Tag[str]\n    lit: list[int] = []\n    dark: list[int] = []\n"
    assert listed(modelled(LAMP + room + body, scenarios=TRIED)) == []


def test_a_field_is_filled_by_what_stands_above_the_class_that_calls_super(modelled: Modelled) -> None:
    more = """
class Wide(Lamp):
    count: int = 0

    def apply(self, event: Switched) -> None:
        super().apply(event)
        self.count += 1

class Narrow(Wide):
    pass
"""
    assert listed(modelled(LAMP + more, scenarios=TRIED)) == []


def test_a_field_that_is_only_looked_at_is_filled_by_nothing(modelled: Modelled) -> None:
    room = """
class Room(State):
    lamp: Tag[str]
    lit: int = 0
    dark: int = 0

    def apply(self, event: Switched) -> None:
        self.lit = 1 if self.dark or self.dark > 2 else 2
"""
    assert listed(modelled(LAMP + room, scenarios=TRIED)) == ["BM003 state:Room/dark"]


TABLES = {
    "a number and a time that SQLite gives": (
        "CREATE TABLE lamps (id INTEGER PRIMARY KEY, lamp TEXT, at TEXT DEFAULT CURRENT_TIMESTAMP)",
        "INSERT INTO lamps (lamp) VALUES (?)",
    ),
    "rows of a query": (
        "CREATE TABLE lamps (lamp TEXT)",
        "WITH x (a) AS (SELECT ?) INSERT INTO lamps (lamp) SELECT a FROM x",
    ),
    "a comment before": (
        "CREATE TABLE lamps (lamp TEXT)",
        "-- a comment\\nINSERT INTO [lamps] (lamp) VALUES (?)",
    ),
    "a trigger": (
        """CREATE TABLE lamps (lamp TEXT);
        CREATE TABLE copies (lamp TEXT);
        CREATE TRIGGER copied AFTER INSERT ON lamps BEGIN INSERT INTO copies (lamp) VALUES (new.lamp); END""",
        "INSERT INTO lamps VALUES (?)",
    ),
}


@pytest.mark.parametrize(("tables", "sql"), TABLES.values(), ids=TABLES)
def test_a_column_is_filled_by(modelled: Modelled, tables: str, sql: str) -> None:
    more = f"""
class Lamps(Projection):
    tables = '''{tables}'''

    def apply(self, event: Switched, tx: Tx) -> None:
        tx.execute("{sql}", (event.lamp,))
"""
    assert listed(modelled(LAMP + more, scenarios=TRIED)) == []


def test_fields_of_other_libraries_have_their_own_names(modelled: Modelled) -> None:
    more = """
import attrs, pydantic

@register
@attrs.frozen
class Weighed:
    lamp: Tag[str]
    _grams: int = 0

@register
class Posted(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True)
    lamp: Tag[str]
    to: str = pydantic.Field(alias="sentTo")
    fee: int = pydantic.Field(alias="theFee", default=0)
"""
    model = modelled(LAMP + more)
    weighed, posted = model.element("event:Weighed"), model.element("event:Posted")
    assert [(field.name, field.required) for field in weighed.fields] == [("lamp", True), ("_grams", False)]
    assert [(field.name, field.required) for field in posted.fields] == [
        ("lamp", True), ("to", True), ("fee", False),
    ]  # fmt: skip
