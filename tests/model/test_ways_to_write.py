"""Code that says the same in another way: no rule finds a fault in it, because a wrong finding is worse than none."""

from __future__ import annotations

import py_compile
from typing import Any

import pytest

from backstory.application import load
from backstory.model import model_of
from backstory.model.check.lints import LINTS
from backstory.model.elements import Decision, Place, Scenario
from tests.model.conftest import PRELUDE, Modelled
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


DIMMED = """
class Dimmed(Event):
    lamp: Tag[str]

def dim(db: Database) -> None:
    db.append(Dimmed("a"))

"""

READERS = {
    "a match over all events": """
def page(db: Database) -> None:
    for record in db.follow():
        match record.event:
            case Dimmed(): print()
""",
    "isinstance": "def page(event: object) -> bool: return isinstance(event, (Switched, Dimmed))",
    "all events that come": "def page(db: Database) -> None: db.subscribe('mirror')",
    "the name of its type": "def page(db: Database) -> None: db.read('Dimmed')",
    "the type of a record": "def page(db: Database) -> Any: return [r for r in db.read() if r.type == 'Dimmed']",
    "its class, compared": "def page(event: object) -> bool: return type(event) is Dimmed",
    "a function that is told what to do on it": "def on(kind: type, then: Any) -> None: ...\n\non(Dimmed, print)",
    "a list of classes": "KINDS = [Switched, Dimmed]",
    "a frame": "def page(db: Database) -> None: db.frame(Dimmed)",
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_an_event_is_read_by(modelled: Modelled, reader: str) -> None:
    model = modelled(LAMP + DIMMED + reader, scenarios=TRIED)
    assert listed(model) == []
    assert {id.partition(":")[0] for id in model.element("event:Dimmed").read_by} == {"code"}
    assert model.element("event:Switched").read_by == ["state:Lamp"]


GIVERS = {
    "a function that imports it inside": {
        "work": "def job(db: Any) -> None:\n    from .app import Dimmed\n    db.append(Dimmed('a'))\n"
    },
    "the module that is run": {"__main__": "from .app import Dimmed\n\nDimmed('a')\n"},
    "a module by its whole path": {"__main__": "import APP.app\n\nAPP.app.Dimmed('a')\n"},
    "its own way to make one": {
        "work": "from .app import Dimmed\n\ndef job() -> None:\n    Dimmed.of('a')\n"
    },
    "a table of classes": {"work": "from .app import Dimmed\n\nKINDS = {'dim': Dimmed}\n"},
    "a library that converts": {
        "work": "import msgspec\nfrom .app import Dimmed\n\ndef f(row: Any) -> None:\n    msgspec.convert(row, Dimmed)"
    },
}


@pytest.mark.parametrize("beside", GIVERS.values(), ids=GIVERS)
def test_an_event_is_given_by(modelled: Modelled, beside: dict[str, str]) -> None:
    more = """
class Dimmed(Event):
    lamp: Tag[str]

    @classmethod
    def of(cls, lamp: str) -> Dimmed:
        return cls(lamp)

class Dim(State):
    lamp: Tag[str]
    dimmed: int = 0

    def apply(self, event: Dimmed) -> None:
        self.dimmed += 1
"""
    assert listed(modelled(beside={"app": LAMP + more, **beside}, scenarios=TRIED)) == []


def test_a_mere_mention_neither_reads_nor_gives_an_event(modelled: Modelled) -> None:
    more = """
__all__ = ["Dimmed"]

class Dimmed(Event, name="Dimmed"):
    lamp: Tag[str]

Either = Switched | Dimmed

def again() -> None:
    register(Dimmed)

def shown(event: Dimmed) -> dict[str, Dimmed]: ...
"""
    assert listed(modelled(LAMP + more, scenarios=TRIED)) == ["BM001 event:Dimmed", "BM002 event:Dimmed"]


def test_a_command_without_an_annotation_gives_what_class_methods_make(modelled: Modelled) -> None:
    more = """
class Dimmed(Event):
    lamp: Tag[str]

    @classmethod
    def of(cls, lamp: Lamp) -> Dimmed:
        return cls(lamp.lamp)

@command
def dim(lamp: Lamp) -> Any:
    yield Switched(lamp.lamp, not lamp.on)
    yield Dimmed.of(lamp)
"""
    gives = modelled(LAMP + more).element("command:dim").gives
    assert {each.event for each in gives} == {"event:Switched", "event:Dimmed"}


def test_files_beside_a_module_or_package_that_import_it_belong_to_it(
    tmp_path: Any, modelled: Modelled
) -> None:
    name = modelled(LAMP + "class Dimmed(Event):\n    lamp: Tag[str]\n").app
    (tmp_path / "main.py").write_text(
        f"from {name}.app import Dimmed\n\ndef job(db):\n    db.append(Dimmed('a'))\n    db.follow(Dimmed)\n"
    )
    (tmp_path / "other.py").write_text("def broken(:\n")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "__init__.py").write_text("")
    (tmp_path / "pages" / "home.py").write_text(f"import {name}.app as it\n\nit.Dimmed('a')\n")
    (tmp_path / "test_main.py").write_text(f"from {name}.app import Dimmed\n\nDimmed('a')\n")
    dimmed = model_of(load(name, tmp_path), tmp_path).element("event:Dimmed")
    assert dimmed.given_by == ["code:main.py:4", "code:pages/home.py:3"]
    assert dimmed.read_by == ["code:main.py:5"]


WRAPPED = """
import functools

def guarded(function: Any) -> Any:
    @functools.wraps(function)
    def inner(HOW) -> Any:
        LOOK
        return function(PASS)
    return inner

class Seen(Event):
    page: Tag[str]

class Page(State):
    page: Tag[str]
    def apply(self, event: Seen) -> None: ...

@command
@guarded
def see(lamp: Lamp, page: Page) -> Seen:
    return Seen(page.page)
"""


@pytest.mark.parametrize(
    ("how", "passed", "look", "uses", "refuses"),
    [
        ("lamp: Lamp, *args: Any, **more: Any", "lamp, *args, **more", "if lamp.on: raise Refused('a')", ["on"], ["a"]),
        ("*args: Any, **more: Any", "*args, **more", "if args[0].on: raise Refused('a')", None, ["a"]),
        ("*args: Any, **more: Any", "*args, **more", "print('called')", [], []),
    ],
)  # fmt: skip
def test_a_decorator_looks_at_states_and_refuses_as_the_command_itself_does(
    modelled: Modelled, how: str, passed: str, look: str, uses: list[str] | None, refuses: list[str]
) -> None:
    more = WRAPPED.replace("HOW", how).replace("PASS", passed).replace("LOOK", look)
    see = modelled(LAMP + more).element("command:see")
    assert (see.reads[0].uses, [each.code for each in see.refuses]) == (uses, refuses)


def test_codes_of_refusals_are_read_where_they_are_kept(modelled: Modelled) -> None:
    more = """
from enum import Enum, StrEnum

class Codes:
    OFF = "off"

class Code(StrEnum):
    ON = "on"

class Older(str, Enum):
    DIM = "dim"

@command
def dim(lamp: Lamp) -> Switched:
    odd = "odd" * 2
    if lamp.on:
        raise Refused("x", code=Codes.OFF)
    if lamp.on:
        raise Refused("x", code=Code.ON)
    if lamp.on:
        raise Refused("x", code=Older.DIM)
    if lamp.on:
        raise Refused("x", code=Older.DIM.value)
    if lamp.on:
        raise Refused(odd)
    return Switched(lamp.lamp, True)

odd = "none of the function's"
"""
    refuses = modelled(LAMP + more).element("command:dim").refuses
    assert [each.code for each in refuses] == ["off", "on", "dim", "{}"]


def test_a_scenario_is_of_the_refusal_whose_code_it_has_and_not_of_one_that_may_have_any(
    modelled: Modelled,
) -> None:
    more = """
def refuse(code: str) -> None:
    raise Refused("x", code=code)

@command
def dim(lamp: Lamp) -> Switched:
    if lamp.on:
        refuse("any")
    if lamp.on:
        raise Refused("dark")
    return Switched(lamp.lamp, True)
"""
    place = Place("t.py", 1)
    told = [
        Scenario(
            test=code, title=code, place=place, decisions=[Decision("dim", "modelled1.app", refused=code)]
        )
        for code in ("any", "dark")
    ]
    model = modelled(LAMP + more, scenarios=[*TRIED, *told])
    assert {each.code: each.scenarios for each in model.element("command:dim").refuses} == {
        "dark": ["dark"],
        "{}": ["any"],
    }


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


def test_a_type_that_is_named_twice_is_the_type_that_it_names(modelled: Modelled) -> None:
    more = """
from typing_extensions import TypeAliasType

Either = TypeAliasType("Either", Switched | None)
Again = TypeAliasType("Again", Either)

@command
def dim(lamp: Lamp) -> Again:
    return Switched(lamp.lamp, True) if lamp.on else None
"""
    dim = modelled(LAMP + more).element("command:dim")
    assert ([each.event for each in dim.gives], dim.may_give_nothing) == (["event:Switched"], True)


@pytest.mark.parametrize(
    "beside",
    [
        b"def (:\n",
        b"x = '\xe9'\n",
        b"x = " + b"+".join([b"1"] * 3_000),
        b"\x00",
        "ü = 1\r\n".encode("utf-8-sig"),
    ],
    ids=["no Python", "no UTF-8", "very deep", "NUL", "a mark of the encoding"],
)
def test_a_file_that_cannot_be_read_is_passed_over(tmp_path: Any, modelled: Modelled, beside: bytes) -> None:
    name = modelled(LAMP).app
    (tmp_path / name / "__main__.py").write_bytes(beside)
    model = model_of(load(name, tmp_path), tmp_path, scenarios=TRIED)
    assert [one.code for lint in LINTS for one in lint(model)] == []


@pytest.mark.parametrize("form", ["\r\n", "\r", "\t", "\ufeff"], ids=["CRLF", "CR", "tabs", "a mark"])
def test_the_form_of_a_file_changes_nothing(tmp_path: Any, modelled: Modelled, form: str) -> None:
    text = PRELUDE + LAMP
    text = (
        text.replace("    ", form)
        if form == "\t"
        else form + text
        if form == "\ufeff"
        else text.replace("\n", form)
    )
    name = "formed"
    (tmp_path / f"{name}.py").write_bytes(text.encode())
    switch = model_of(load(name, tmp_path), tmp_path).element("command:switch")
    assert (switch.reads[0].uses, [each.code for each in switch.refuses]) == (["lamp", "on"], ["same"])


ENDS = {
    "a count in the event": "return again(Lamp(event.lamp), event.tries - 1) if event.tries else None",
    "a count that the command looks at": "return again(Lamp(event.lamp), event.tries + 1)",
    "a pattern": "match event:\n        case Tried(tries=3): return again(Lamp(event.lamp), 2)",
    "a guard": "match event:\n        case Tried() if event.tries: return again(Lamp(event.lamp), 2)",
    "a filter": "return [again(Lamp(event.lamp), n) for n in range(event.tries) if n]",
}
AGAIN = """
class Tried(Event):
    lamp: Tag[str]
    tries: int

@command
def again(lamp: Lamp, tries: int) -> Tried:
    return Tried(lamp.lamp, tries)

@reaction
def once_more(event: Tried) -> Any:
    BODY
"""


@pytest.mark.parametrize("body", ENDS.values(), ids=ENDS)
def test_a_circle_is_ended_by(modelled: Modelled, body: str) -> None:
    assert "BM007" not in str(listed(modelled(LAMP + AGAIN.replace("BODY", body), scenarios=[])))


@pytest.mark.parametrize(
    "body",
    [
        "return again(Lamp(event.lamp), 2)",
        "match event:\n        case Tried(lamp=lamp): return again(Lamp(lamp), 2)",
        "return [again(Lamp(event.lamp), n) for n in range(2)]",
    ],
)
def test_a_circle_without_any_condition_has_no_end(modelled: Modelled, body: str) -> None:
    assert "BM007 reaction:once_more" in listed(modelled(LAMP + AGAIN.replace("BODY", body), scenarios=[]))


def test_each_slice_may_look_at_a_state_of_its_own(modelled: Modelled) -> None:
    more = """
class LampToFlip(State):
    lamp: Tag[str]
    lit: bool = False

    def apply(self, event: Switched) -> None:
        self.lit = event.on

@command
def flip(lamp: LampToFlip) -> Switched:
    if lamp.lit:
        raise Refused("lit")
    return Switched(lamp.lamp, not lamp.lit)
"""
    found = listed(modelled(LAMP + more, scenarios=TRIED))
    assert found == ["BM005 command:flip"]
    blind = more.replace('    if lamp.lit:\n        raise Refused("lit")\n', "").replace(
        "not lamp.lit", "True"
    )
    assert "BM018 command:flip/Lamp" in listed(modelled(LAMP + blind, scenarios=TRIED))


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


@pytest.mark.usefixtures("modelled")
def test_of_code_without_a_source_nobody_is_told_a_fault(tmp_path: Any) -> None:
    source = tmp_path / "sealed.py"
    source.write_text(PRELUDE + LAMP + DIMMED, encoding="utf-8")
    py_compile.compile(str(source), cfile=str(tmp_path / "sealed.pyc"))
    source.unlink()
    found = model_of(load("sealed", tmp_path), tmp_path, scenarios=[])
    assert [one.place for one in found.events] == [None, None]
    assert listed(found) == ["BM005 command:switch"]


def test_reactions_and_projections_may_stand_in_another_package(tmp_path: Any, modelled: Modelled) -> None:
    name = modelled(LAMP).app
    (tmp_path / "besides.py").write_text(
        PRELUDE
        + f"""from {name}.app import Lamp, Switched, switch

@reaction
def back(event: Switched) -> Any:
    return switch(Lamp(event.lamp), True)

class Lamps(Projection):
    tables = "CREATE TABLE lamps (lamp TEXT, colour TEXT)"

    def apply(self, event: Switched, tx: Tx) -> None:
        tx.execute("INSERT INTO lamps (lamp) VALUES (?)", (event.lamp,))
""",
        encoding="utf-8",
    )
    (tmp_path / "whole.py").write_text(f"from {name}.app import *\nfrom besides import back, Lamps\n")
    model = model_of(load("whole", tmp_path), tmp_path, scenarios=TRIED)
    assert model.element("reaction:back").gives == ["command:switch"]
    assert "BM004 projection:lamps/lamps.colour" in listed(model)


def test_code_of_the_library_is_not_followed(modelled: Modelled) -> None:
    more = """
from backstory.projections.materialize import Materialized
from backstory.rows.change import _need_current

lamps = Materialized(Lamp)

@command
def dim(lamp: Lamp) -> Switched:
    _need_current("lamps", lamp.lamp, ["on"], {})
    return Switched(lamp.lamp, True)
"""
    assert modelled(LAMP + more).element("command:dim").refuses == []
