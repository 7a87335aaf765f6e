"""Other ways to read and to give an event, and other files that do: no rule finds a fault in them."""

from __future__ import annotations

import py_compile
from typing import Any

import pytest

from backstory.application import load
from backstory.model import model_of
from backstory.model.check.lints import LINTS
from tests.model.conftest import PRELUDE, Modelled
from tests.model.test_lints import LAMP, TRIED, listed

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
    "a table that is filled by class": "ON: dict[type, Any] = {}\n\nON[Dimmed] = print",
    "a union of classes": "def page(event: object) -> bool: return isinstance(event, Switched | Dimmed)",
    "a function that gives the class": "def kind(dim: bool) -> type: return Dimmed if dim else Switched",
    "a default": "def page(kind: type = Dimmed) -> None: ...",
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


@pytest.mark.parametrize("kinds", ["Dimmed", "(Switched, Dimmed)", "Switched | Dimmed"])
def test_to_tell_an_event_from_others_gives_none(modelled: Modelled, kinds: str) -> None:
    more = f"""
class Dimmed(Event):
    lamp: Tag[str]

def page(event: object) -> bool:
    return isinstance(event, {kinds})
"""
    assert listed(modelled(LAMP + more, scenarios=TRIED)) == ["BM002 event:Dimmed"]


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
__all__ += ["Dimmed"]
__all__: list[str] = ["Dimmed"]

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
