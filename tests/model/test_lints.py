"""The rules of `backstory check`: each finds its fault, and is silent where there is none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from backstory.application import load
from backstory.model import Model
from backstory.model.check import Silence, check
from backstory.model.check.lints import LINTS
from backstory.model.elements import Decision, Observed, ObservedEdge, ObservedType, Place, Scenario
from backstory.model.reading import beside
from tests.model.conftest import Modelled

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)

LAMP = """\
class Switched(Event):
    lamp: Tag[str]
    on: bool


class Lamp(State):
    lamp: Tag[str]
    on: bool = False

    def apply(self, event: Switched) -> None:
        self.on = event.on


@command
def switch(lamp: Lamp, on: bool) -> Switched:
    if lamp.on == on:
        raise Refused("it is so already", code="same")
    return Switched(lamp.lamp, on)
"""
"""An application without a fault, once it has its scenarios."""

TRIED = [
    Scenario(
        test="t",
        title="t",
        place=Place("t.py", 1),
        decisions=[
            Decision("switch", "modelled1.app", ["Switched"]),
            Decision("switch", "modelled1.app", refused="same"),
        ],
    )
]

Found = Callable[..., list[str]]


@pytest.fixture
def found(modelled: Modelled) -> Found:
    """The findings in a lamp with more code: code, element and line of each."""

    def found(more: str = "", lamp: str = LAMP, **looked: Any) -> list[str]:
        model = modelled(lamp + more, **{"scenarios": TRIED, **looked})
        return listed(model)

    return found


def listed(model: Model) -> list[str]:
    """Code and element of each finding."""
    return [f"{one.code} {one.element}" for lint in LINTS for one in lint(model)]


def test_what_is_whole_has_no_finding(found: Found) -> None:
    assert found() == []


def test_an_event_that_nobody_reads(found: Found) -> None:
    more = """
class Dimmed(Event):
    lamp: Tag[str]

def dim(db: Database) -> None:
    db.append(Dimmed("l-1"))
"""
    assert found(more) == ["BM001 event:Dimmed"]


@pytest.mark.parametrize(
    "reader",
    [
        "def page(db: Database) -> None:\n    db.follow(Dimmed | Switched)\n",
        "def page(db: Database) -> None:\n    db.subscribe('dims', Dimmed)\n",
        "@reaction\ndef tell(event: Dimmed) -> None: ...\n",
        (
            "class Dims(Projection):\n    tables = 'CREATE TABLE dims (lamp TEXT)'\n"
            "    def apply(self, event: Dimmed, tx: Tx) -> None:\n"
            "        tx.execute('INSERT INTO dims VALUES (?)', (event.lamp,))\n"
        ),
        "class Dims(State):\n    lamp: Tag[str]\n    def apply(self, event: Dimmed) -> None: ...\n",
        (
            "from backstory.values.event_data import RecordedEvent\n"
            "class All(State):\n    lamp: Tag[str]\n    seen: int = 0\n"
            "    def apply(self, event: RecordedEvent) -> None:\n        self.seen += 1\n"
        ),
    ],
)
def test_each_way_to_read_an_event_is_known(found: Found, reader: str) -> None:
    more = f"""
class Dimmed(Event):
    lamp: Tag[str]

def dim(db: Database) -> None:
    db.append(Dimmed("l-1"))

{reader}
"""
    assert found(more) == []


DIM = """
class Dimmed(Event):
    lamp: Tag[str]

class Dims(State):
    lamp: Tag[str]
    def apply(self, event: Dimmed) -> None: ...
"""


def seen(*types: ObservedType, edges: list[ObservedEdge] | None = None) -> Observed:
    """A store that has seen this."""
    return Observed("main", 9, edges or [], list(types))


def test_an_event_that_no_command_gives_and_no_import_brings(found: Found) -> None:
    assert found(DIM) == ["BM002 event:Dimmed"]
    assert found(DIM, observed=seen(ObservedType("Dimmed", 1, 1, 1, 1))) == []


def test_fields_of_a_state_that_no_event_can_fill(found: Found) -> None:
    more = """
class Room(State):
    lamp: Tag[str]
    lit: bool = False
    lamps: list[str] = []
    colour: str = "white"
    size: int = 0

    def apply(self, event: Switched) -> None:
        self._note(event.lamp)
        if self.colour == "red":
            self.lit = event.on

    def _note(self, lamp: str) -> None:
        self.lamps.append(lamp)
"""
    assert found(more) == ["BM003 state:Room/colour", "BM003 state:Room/size"]


def test_a_state_that_goes_to_code_which_nobody_can_follow_is_not_judged(found: Found) -> None:
    more = """
class Room(State):
    lamp: Tag[str]
    lit: bool = False

    def apply(self, event: Switched) -> None:
        setattr(self, "lit", event.on)
"""
    assert found(more) == []


def test_columns_that_no_event_can_fill(found: Found) -> None:
    more = """
class Rooms(Projection):
    tables = "CREATE TABLE rooms (lamp TEXT PRIMARY KEY, lit INTEGER, colour TEXT); CREATE TABLE logs (lamp TEXT)"
    LOG = "x"

    def apply(self, event: Switched, tx: Tx) -> None:
        tx.execute("INSERT INTO rooms (lamp) VALUES (?) ON CONFLICT DO NOTHING", (event.lamp,))
        tx.execute("UPDATE rooms SET lit = ? WHERE lamp = ?", (event.on, event.lamp))
"""
    assert found(more) == ["BM004 projection:rooms/rooms.colour", "BM004 projection:rooms/logs.lamp"]


def test_sql_that_is_put_together_when_it_runs_is_not_judged(found: Found) -> None:
    more = """
class Rooms(Projection):
    tables = "CREATE TABLE rooms (lamp TEXT PRIMARY KEY, lit INTEGER)"

    def apply(self, event: Switched, tx: Tx) -> None:
        for name in "lamp", "lit":
            tx.execute(f"INSERT INTO rooms ({name}) VALUES (1)")
"""
    assert found(more) == []


def test_commands_and_refusals_without_a_scenario(found: Found) -> None:
    assert found(scenarios=[]) == ["BM005 command:switch"]
    assert found(scenarios=None) == [f"BM016 app:modelled{2}"]


def test_a_refusal_without_a_scenario(modelled: Modelled) -> None:
    only = [Scenario(test="t", title="t", place=Place("t.py", 1), decisions=TRIED[0].decisions[:1])]
    assert listed(modelled(LAMP, scenarios=only)) == ["BM006 command:switch/same"]


def told(*commands: str) -> list[Scenario]:
    """Scenarios in which each of these commands was tried."""
    decisions = [Decision(name, "modelled1.app") for name in commands]
    return [*TRIED, Scenario(test="u", title="u", place=Place("t.py", 2), decisions=decisions)]


LOOP = """
class Broken(Event):
    lamp: Tag[str]

class Replaced(Event):
    lamp: Tag[str]

@command
def replace(lamp: Lamp) -> Replaced:
    return Replaced(lamp.lamp)

@command
def smash(lamp: Lamp) -> Broken:
    return Broken(lamp.lamp)

@reaction
def mend(event: Broken) -> Any:
    return replace(Lamp(event.lamp))

class Hooligan(Process):
    lamp: Tag[str]
    count: int = 0

    def apply(self, event: Replaced) -> None:
        self.count += 1

    @react
    def replaced(self, event: Replaced) -> Any:
        GUARD
        yield smash(Lamp(self.lamp))
"""


def test_reactions_that_can_trigger_themselves_without_end(modelled: Modelled) -> None:
    model = modelled(LAMP + LOOP.replace("GUARD", "pass"), scenarios=told("replace", "smash"))
    [finding] = [one for lint in LINTS for one in lint(model) if one.code == "BM007"]
    assert finding.element == "reaction:hooligan"
    assert finding.what == (
        "on Replaced, hooligan gives smash, which gives Broken, on which mend gives replace, which gives Replaced"
    )


def test_a_process_that_counts_and_a_command_that_refuses_end_the_circle(modelled: Modelled) -> None:
    counted = LAMP + LOOP.replace("GUARD", "if self.count > 3: return")
    assert "BM007" not in str(listed(modelled(counted, scenarios=[])))
    refused = LAMP + LOOP.replace("GUARD", "pass").replace(
        "    return Replaced(", '    if lamp.on:\n        raise Refused("hot")\n    return Replaced('
    )
    assert "BM007" not in str(listed(modelled(refused, scenarios=[])))


def test_a_reaction_to_two_events_that_gives_a_command_on_one_is_no_circle(modelled: Modelled) -> None:
    more = """
class Broken(Event):
    lamp: Tag[str]

@command
def replace(lamp: Lamp) -> Switched:
    return Switched(lamp.lamp, False)

@reaction
def mend(event: Broken | Switched) -> Any:
    match event:
        case Broken():
            return replace(Lamp(event.lamp))
        case Switched():
            print("on" if event.on else "off")
"""
    assert "BM007" not in str(listed(modelled(LAMP + more, scenarios=[])))


WIDE = """
class Room(State):
    room: Tag[str]
    lamps: int = 0

    def apply(self, event: Hung) -> None:
        self.lamps += 1

class Hung(Event):
    room: Tag[str]
    lamp: Tag[str]

class Cleaned(Event):
    room: Tag[str]

class Dust(State):
    room: Tag[str]

    def apply(self, event: Cleaned) -> None: ...

@command
def hang(room: Room, lamp: Lamp) -> Hung:
    return Hung(room.room, lamp.lamp)

@command
def clean(room: Room) -> Cleaned:
    return Cleaned(room.room)

@command
def sweep(room: Room, name: str) -> Cleaned:
    return Cleaned(name)
"""


def test_a_command_that_reads_more_than_it_uses(modelled: Modelled) -> None:
    model = modelled(LAMP + WIDE, scenarios=told("hang", "clean", "sweep"))
    assert listed(model) == [
        "BM008 command:clean/room",
        "BM008 command:hang/lamp",
        "BM008 command:sweep/room",
    ]


BLIND = """
class Sold(Event):
    lamp: Tag[str]

class Sales(State):
    lamp: Tag[str]
    number: int = 0

    def apply(self, event: Sold) -> None:
        self.number += 1

@command
def sell(lamp: Lamp) -> Sold:
    if lamp.on:
        raise Refused("it is in use")
    return Sold(lamp.lamp)
"""


def test_a_command_that_decides_on_states_which_cannot_see_its_events(modelled: Modelled) -> None:
    tried = [*told("sell")]
    tried[-1].decisions.append(Decision("sell", "modelled1.app", refused="it is in use"))
    assert listed(modelled(LAMP + BLIND, scenarios=tried)) == ["BM009 command:sell"]
    sees = BLIND.replace("def sell(lamp: Lamp)", "def sell(lamp: Lamp, sales: Sales)").replace(
        "if lamp.on:", "if lamp.on or sales.number:"
    )
    assert not [one for one in listed(modelled(LAMP + sees)) if one.startswith(("BM008", "BM009"))]


def test_a_command_that_gives_what_others_give_only_after_a_look(modelled: Modelled) -> None:
    more = """
class Roof(State):
    roof: Tag[str]

    def apply(self, event: Fixed) -> None: ...

class Fixed(Event):
    roof: Tag[str]
    lamp: Tag[str]

class Kept(State):
    lamp: Tag[str]
    fixed: bool = False

    def apply(self, event: Fixed) -> None:
        self.fixed = True

@command
def fix(kept: Kept, roof: Roof) -> Fixed:
    if kept.fixed:
        raise Refused("fixed")
    return Fixed(roof.roof, kept.lamp)

@command
def hurry(roof: Roof, lamp: str) -> Fixed:
    return Fixed(roof.roof, lamp)
"""
    found = [one for one in listed(modelled(LAMP + more)) if one.startswith("BM018")]
    assert found == ["BM018 command:hurry/Kept"]
    looks = more.replace("def hurry(roof: Roof, lamp: str)", "def hurry(roof: Roof, kept: Kept)")
    assert "BM018" not in str(
        listed(modelled(LAMP + looks.replace("roof.roof, lamp)", "roof.roof, kept.lamp)")))
    )
    optional = more.replace(
        "    lamp: Tag[str]\n\nclass Kept", "    lamp: Tag[str | None] = None\n\nclass Kept"
    )
    assert "BM018" not in str(listed(modelled(LAMP + optional)))


def test_two_commands_with_one_name(modelled: Modelled) -> None:
    text = "class {0}(Event):\n    x: int\n@command\ndef same(x: int) -> {0}:\n    return {0}(x)\n"
    model = modelled(beside={"one": text.format("Red"), "two": text.format("Blue")}, scenarios=[])
    assert [one for one in listed(model) if one.startswith("BM010")] == [
        "BM010 command:modelled1.one.same",
        "BM010 command:modelled1.two.same",
    ]


def test_types_and_versions_in_the_store_that_no_class_reads(found: Found) -> None:
    there = [
        ObservedType("Gone", 1, 3, 1, 5),
        ObservedType("Switched", 2, 1, 6, 6),
        ObservedType("backstory.deadline-set", 1, 1, 7, 7),
        ObservedType("row.notes.inserted", 1, 1, 8, 8),
    ]
    assert found(observed=seen(*there[:3])) == ["BM011 event:Gone", "BM012 event:Switched"]


def test_drift_between_what_is_declared_and_what_the_store_has_seen(found: Found) -> None:
    edges = [
        ObservedEdge("switch", "Switched", 5, 5, NOON),
        ObservedEdge("switch", "Dimmed", 1, 6, NOON),
        ObservedEdge("toggle", "Switched", 1, 7, NOON),
        ObservedEdge("", "Switched", 1, 8, NOON),
        ObservedEdge("backstory.set-deadline", "backstory.deadline-set", 1, 9, NOON),
    ]
    assert found(observed=seen(edges=edges)) == ["BM013 command:switch/Dimmed", "BM014 command:toggle"]


def test_a_command_whose_events_nobody_names_is_not_judged_by_them(modelled: Modelled) -> None:
    more = """
@command
def tell(lamp: Lamp, kind: str) -> Any:
    if lamp.on:
        raise Refused("no")
    return KINDS[kind](lamp.lamp)

class Dims(State):
    lamp: Tag[str]
    def apply(self, event: Dimmed) -> None: ...

class Dimmed(Event):
    lamp: Tag[str]

KINDS = {"dim": Dimmed}
"""
    edges = [ObservedEdge("tell", "Dimmed", 1, 9, NOON)]
    assert listed(modelled(LAMP + more, scenarios=TRIED)) == ["BM005 command:tell"]
    assert listed(modelled(LAMP + more, scenarios=TRIED, observed=seen(edges=edges))) == [
        "BM005 command:tell"
    ]


def test_what_was_never_observed_is_a_difference_and_no_finding(modelled: Modelled) -> None:
    model = modelled(LAMP, scenarios=TRIED, observed=seen())
    assert [(one.kind, one.command, one.event) for one in model.differences] == [
        ("never-observed", "switch", "Switched")
    ]
    assert listed(model) == []


def test_a_silence_is_in_vain_only_if_its_rule_had_what_it_asks(modelled: Modelled, tmp_path: Path) -> None:
    model = modelled(LAMP, scenarios=TRIED)
    app = load(model.app, tmp_path)

    def in_vain(model: Model, *codes: str) -> list[str]:
        silences = [Silence(code, "event:Switched", "it is so") for code in codes]
        return [one.what.partition(" ")[0] for one in check(model, app, silences=silences).findings]

    assert in_vain(model, "BM001", "BM005", "BM006", "BM011", "BM013", "BM015") == ["BM001", "BM005", "BM006"]
    assert in_vain(replace(model, scenarios=None), "BM005", "BM006") == ["there"]
    store = seen(ObservedType("Switched", 1, 1, 1, 1))
    assert in_vain(beside(model, store), "BM002", "BM011", "BM014") == ["BM011", "BM014"]
    assert in_vain(model, "BM002") == ["BM002"]
