"""Places in the application's own code that append events without a command, or read events: `db.follow(Paid)`.

They are found by the syntax of all files of the application but its tests, also of those that nobody imports.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator
from typing import Any

from backstory.errors import DefinitionError
from backstory.model.code import is_event_class
from backstory.model.elements import CodeUse, Id
from backstory.model.naming import Names
from backstory.model.sources import DEFINITIONS, Sources, application_files, module_of, names_of
from backstory.values.event_types import event_classes

READS = frozenset(("read", "follow", "watch", "subscribe"))
"""Methods of a database that are given classes of events to read."""

Meaning = Callable[[str], Any]


def uses(module: str, sources: Sources, names: Names, deciding: Collection[ast.AST]) -> list[CodeUse]:
    """All of them. `deciding` are the functions whose events are accounted for: commands, and what they call."""
    known = {id(node) for node in deciding}
    found: list[CodeUse] = []
    for path in application_files(module):
        file = sources.file(path)
        meaning = names_of(file, module_of(path, module))
        for node, inside in _calls(file.tree, known, "module"):
            does, events = _does(node, meaning)
            place = sources.at(path, node.lineno)
            if events and place is not None:
                at = f"code:{place.file}:{place.line}"
                found.append(CodeUse(at, does, inside, names.events(events), place))
    return found


def _calls(node: ast.AST, known: Collection[int], inside: str) -> Iterator[tuple[ast.Call, str]]:
    """Every call outside of functions that are known, with the name of the function that it stands in."""
    for child in ast.iter_child_nodes(node):
        if id(child) in known:
            continue
        if isinstance(child, ast.Call):
            yield child, inside
        yield from _calls(child, known, child.name if isinstance(child, DEFINITIONS) else inside)


def _does(node: ast.Call, meaning: Meaning) -> tuple[Any, Collection[type[Any]]]:
    made = meant(node.func, meaning)
    if is_event_class(made):
        return "append", [made]
    if isinstance(node.func, ast.Attribute) and node.func.attr in READS:
        given = [*node.args, *(each.value for each in node.keywords)]
        return "read", {cls for each in given for cls in _classes(each, meaning)}
    return "read", []


def _classes(node: ast.AST, meaning: Meaning) -> Iterator[type[Any]]:
    """The event classes that an expression names, alone or in a union."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name | ast.Attribute) and (found := meant(part, meaning)) is not None:
            try:
                yield from event_classes(found)
            except (DefinitionError, TypeError):
                continue


def meant(node: ast.AST, meaning: Meaning) -> Any:
    """What a name, or a path of attributes through modules and classes, stands for; None if that is not known."""
    if isinstance(node, ast.Name):
        return meaning(node.id)
    if isinstance(node, ast.Attribute):
        base = meant(node.value, meaning)
        return getattr(base, node.attr, None) if isinstance(base, type) or hasattr(base, "__spec__") else None
    return None


def ids(found: Collection[CodeUse], does: str, event: Id) -> list[Id]:
    """The places that append an event, or read it."""
    return [use.id for use in found if use.does == does and event in use.events]
