"""Reactions and processes, as the document has them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FunctionType
from typing import Any

from backstory.decide.commands import CommandType
from backstory.decide.parameters import is_state
from backstory.decide.state import state_type
from backstory.documents.application import first_line
from backstory.model import fields
from backstory.model.code import Bound, Code, as_self, looked_up
from backstory.model.elements import Id, Reaction, Scenario, Step
from backstory.model.naming import Names
from backstory.model.sources import Sources
from backstory.reactions.process import MARK, AnyReaction, Process, process_type, reacting
from backstory.values.event_types import EventType, event_type

NewCode = Callable[[], Code]

BRANCHES = (ast.If, ast.IfExp, ast.While)


def reaction(
    each: AnyReaction, new_code: NewCode, sources: Sources, names: Names, told: Sequence[Scenario]
) -> Reaction:
    """A reaction or a process. It gives the commands that its code names, and those that it gave in scenarios."""
    declared = reacting(each)
    steps = sorted(set(_steps(each, new_code, names)), key=lambda step: (step.event, step.command))
    tried = {
        names.recorded_command(decision.command, decision.module)
        for scenario in told
        for decision in scenario.decisions
        if decision.by == declared.name
    }
    thing = each if isinstance(each, type) else each.function
    return Reaction(
        id=names.reaction(each),
        name=declared.name,
        kind="process" if isinstance(each, type) else "reaction",
        module=thing.__module__,
        doc=first_line(vars(thing).get("__doc__") if isinstance(each, type) else thing.__doc__),
        place=sources.place(thing),
        since=declared.policy.since,
        events=names.events(declared.event_types),
        reads=[]
        if isinstance(each, type)
        else sorted({names.state(kind) for kind in each.parts.values() if is_state(kind)}),
        gives=sorted({*(step.command for step in steps), *tried}),
        steps=steps,
        folds=names.events(state_type(each).events.values()) if isinstance(each, type) else [],
        fields=fields.state_fields(state_type(each), fields.filled(each, new_code()))[1]
        if isinstance(each, type)
        else [],
        deadlines=sorted(process_type(each).deadlines) if isinstance(each, type) else [],
    )


def _steps(each: AnyReaction, new_code: NewCode, names: Names) -> Iterator[Step]:
    """The commands that its code names, each with the events on which it may come to that."""
    for function, events, bound in _functions(each):
        code = new_code()
        if not code.follow(function, bound):
            continue
        nodes = [node for one in code.functions for node in ast.walk(code.node(one))]
        branches = any(map(_branches, nodes))
        counting = {id(called) for called, call, _ in code.calls if _counts(call)}
        for thing, node, inside in code.things:
            if isinstance(thing, CommandType):
                on = _cases(node, inside, code.node(inside)) if inside is function else None
                for event in events if on is None else [one for one in events if one and one.cls in on]:
                    name: Id = "" if event is None else names.event(event)
                    yield Step(name, names.command(thing), branches or id(thing) in counting)


def _branches(node: ast.AST) -> bool:
    """Whether code goes on one way or the other, by more than the class of an event."""
    if isinstance(node, ast.Match):
        patterns = [part for case in node.cases for part in ast.walk(case.pattern)]
        return any(case.guard for case in node.cases) or any(
            isinstance(part, ast.MatchValue | ast.MatchSingleton | ast.MatchSequence | ast.MatchMapping)
            for part in patterns
        )
    return isinstance(node, BRANCHES) or (isinstance(node, ast.comprehension) and bool(node.ifs))


def _counts(call: ast.Call) -> bool:
    """Whether a command is given something that is calculated, `event.tries + 1`, by which it may know when to end."""
    given = [*call.args, *(each.value for each in call.keywords)]
    return any(isinstance(part, ast.BinOp) for each in given for part in ast.walk(each))


def _functions(each: AnyReaction) -> Iterator[tuple[Any, Sequence[EventType | None], Mapping[str, Bound]]]:
    """Its functions, the events that each takes (None: a deadline), and the states that each is given."""
    if not isinstance(each, type):
        bound = {name: Bound(kind, name) for name, kind in each.parts.items() if is_state(kind)}
        yield each.function, each.event_types, bound
        return
    compiled = process_type(each)
    for name in dir(each):
        method = getattr(each, name)
        if isinstance(method, FunctionType) and hasattr(method, MARK) and not hasattr(Process, name):
            events = [event for event in compiled.event_types if name in compiled.methods_of(event.name)]
            yield method, events or [None], as_self(method, Bound(each, "self"))


def _cases(node: ast.AST, function: FunctionType, root: ast.AST) -> set[type[Any]] | None:
    """The event classes of the `case` that a node stands in, if the `match` is about the event; None if in none."""
    first = next(iter(function.__code__.co_varnames), "")
    for match in (each for each in ast.walk(root) if isinstance(each, ast.Match)):
        if not isinstance(match.subject, ast.Name) or match.subject.id != first:
            continue
        for case in match.cases:
            if any(part is node for body in case.body for part in ast.walk(body)):
                patterns = [part for part in ast.walk(case.pattern) if isinstance(part, ast.MatchClass)]
                found = [_class_of(pattern.cls, function) for pattern in patterns]
                return set(filter(None, found)) if patterns else None
    return None


def _class_of(node: ast.expr, function: FunctionType) -> type[Any] | None:
    if isinstance(node, ast.Attribute):
        base = looked_up(function, node.value.id) if isinstance(node.value, ast.Name) else None
        found = getattr(base, node.attr, None)
    else:
        found = looked_up(function, node.id) if isinstance(node, ast.Name) else None
    try:
        return event_type(found).cls if isinstance(found, type) else None
    except TypeError:
        return None
