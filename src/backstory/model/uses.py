"""Places in the application's own code that append events without a command, or read events: `db.follow(Paid)`.

They are found by the syntax of all files of the application but its tests, also of those that nobody imports.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator
from typing import Any, Literal

from backstory.errors import DefinitionError
from backstory.model.code import event_made
from backstory.model.elements import CodeUse, Id, Place
from backstory.model.naming import Names
from backstory.model.sources import DEFINITIONS, Sources, application_files, children, module_of, names_of
from backstory.values.event_types import event_classes

READS = frozenset(("batches", "follow", "frame", "read", "subscribe", "watch"))
"""Methods of a database that are given what to read: classes of events, or their names; some give all without any."""

CONVERTS = frozenset(("convert", "structure"))
"""Functions of libraries that make an object of a class that they are given."""

Meaning = Callable[[str], Any]
Does = Literal["append", "read"]


def uses(module: str, sources: Sources, names: Names, deciding: Collection[ast.AST]) -> list[CodeUse]:
    """All of them. `deciding` are the functions whose events are accounted for: commands, and what they call."""
    found: list[CodeUse] = []
    for call, inside, meaning, at in _calls(module, sources, deciding):
        does, events = _does(call, meaning, names)
        if events:
            found.append(use(does, inside, names.events(events), at))
    return found


Met = tuple[ast.Call, str, Meaning, Place]


def _calls(module: str, sources: Sources, known: Collection[ast.AST]) -> Iterator[Met]:
    """Every call outside of nodes that are known, with the function around it, and its line."""
    passed = {id(node) for node in known}
    for path in application_files(module):
        file = sources.file(path)
        meaning = names_of(file, module_of(path, module))
        left: list[tuple[ast.AST, str]] = [(file.tree, "module")]
        while left:
            node, inside = left.pop()
            if isinstance(node, ast.Call) and (at := sources.at(path, node.lineno)) is not None:
                yield node, inside, meaning, at
            inner = node.name if isinstance(node, DEFINITIONS) else inside
            left += [(child, inner) for child in reversed(children(node)) if id(child) not in passed]


def use(does: Does, inside: str, events: list[Id], at: Place) -> CodeUse:
    """A place in the code by its line."""
    return CodeUse(f"code:{at.file}:{at.line}", does, inside, events, at)


def _does(node: ast.Call, meaning: Meaning, names: Names) -> tuple[Does, Collection[type[Any] | str]]:
    if (made := event_made(meant(node.func, meaning))) is not None:
        return "append", [made]
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    given = [*node.args, *(each.value for each in node.keywords)]
    if name in CONVERTS:
        return "append", {cls for each in given for cls in _classes(each, meaning)}
    if name in READS and isinstance(node.func, ast.Attribute):
        said = {
            each.value for each in node.args if isinstance(each, ast.Constant) and each.value in names.types
        }
        return "read", {*said, *(cls for each in given for cls in _classes(each, meaning))}
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
    """The object that a name, or a path of attributes through modules and classes, stands for; None if unknown."""
    if isinstance(node, ast.Name):
        return meaning(node.id)
    if isinstance(node, ast.Attribute):
        base = meant(node.value, meaning)
        return getattr(base, node.attr, None) if isinstance(base, type) or hasattr(base, "__spec__") else None
    return None


def ids(found: Collection[CodeUse], does: str, event: Id) -> list[Id]:
    """The places that append an event, or read it."""
    return [use.id for use in found if use.does == does and event in use.events]
