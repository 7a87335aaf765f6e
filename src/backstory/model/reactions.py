"""Reactions and processes, as the document has them."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from backstory.decide.commands import CommandType
from backstory.decide.parameters import is_state
from backstory.decide.state import state_type
from backstory.documents.application import first_line
from backstory.model.code import Bound, Code
from backstory.model.elements import Id, Reaction, Scenario
from backstory.model.naming import Names
from backstory.model.sources import Sources
from backstory.reactions.declare import Reaction as Declared
from backstory.reactions.process import MARK, AnyReaction, Process, process_type, reacting


def reaction(each: AnyReaction, code: Code, sources: Sources, names: Names, told: list[Scenario]) -> Reaction:
    """A reaction or a process. What it gives is what its code names, and what it gave in scenarios."""
    declared = reacting(each)
    gives = {names.command(command) for command in _commands(each, code)}
    gives |= {
        names.recorded_command(decision.command, decision.module)
        for scenario in told
        for decision in scenario.decisions
        if decision.by == declared.name
    }
    is_process = isinstance(each, type)
    thing = each if isinstance(each, type) else each.function
    return Reaction(
        id=names.reaction(each),
        name=declared.name,
        kind="process" if is_process else "reaction",
        module=thing.__module__,
        doc=first_line(thing.__doc__),
        place=sources.place(thing),
        since=declared.policy.since,
        events=names.events(declared.event_types),
        reads=_reads(each, names),
        gives=sorted(gives),
        folds=names.events(state_type(each).events.values()) if isinstance(each, type) else [],
        deadlines=sorted(process_type(each)._deadlines) if isinstance(each, type) else [],
    )


def _reads(each: AnyReaction, names: Names) -> list[Id]:
    if isinstance(each, type):
        return []
    return sorted({names.state(kind) for kind in each._parts.values() if is_state(kind)})


def _commands(each: AnyReaction, code: Code) -> set[CommandType[...]]:
    """The commands that the code of a reaction names."""
    for function in _functions(each):
        code.follow(function, {"self": Bound(each, "self")} if isinstance(each, type) else {})
    return {thing for thing, _, _ in code.things if isinstance(thing, CommandType)}


def _functions(each: AnyReaction) -> list[Any]:
    if isinstance(each, Declared):
        return [each.function]
    found = (getattr(each, name) for name in dir(each) if not hasattr(Process, name))
    return [method for method in found if isinstance(method, FunctionType) and hasattr(method, MARK)]
