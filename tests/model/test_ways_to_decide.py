"""Other ways to decide, to refuse and to go in a circle: no rule finds a fault in them."""

from __future__ import annotations

import pytest

from backstory.model.elements import Decision, Place, Scenario
from tests.model.conftest import Modelled
from tests.model.test_lints import LAMP, TRIED, listed

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
