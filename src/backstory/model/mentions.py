"""Places in the application's code that may read or give an event although no rule of `uses.py` says so.

They are asked only about events that nothing else reads, or gives: `case Paid():`, `type(event) is Paid`, a table of
classes by name, `db.follow()` of all events there are. Code that is written so would be told of a fault that is none.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from backstory.errors import DefinitionError
from backstory.model.elements import CodeUse, Id
from backstory.model.naming import Names
from backstory.model.sources import DEFINITIONS, Sources, application_files, children, module_of, names_of
from backstory.model.uses import CONVERTS, READS, Does, Meaning, meant, use
from backstory.values.event_types import event_classes

LISTS = (ast.BinOp, ast.List, ast.Set, ast.Starred, ast.Tuple, ast.keyword)
"""A class that stands in one of these, in a call, is given to the call: `isinstance(event, Paid | Refunded)`."""

HOLDS = (
    *(ast.Call, ast.Dict, ast.List, ast.Set, ast.Starred, ast.Tuple, ast.keyword),
    *(ast.IfExp, ast.Lambda, ast.Return, ast.Subscript, ast.Yield, ast.arguments),
)
"""A class that stands directly in one of these goes somewhere, where it may be read or made."""

TELLS = (ast.Compare, ast.MatchClass)
"""A class that stands directly in one of these tells events apart."""

ALL = {"follow": 0, "subscribe": 1, "watch": 0}
"""Methods of a database that take every event, and the number of arguments with which they do."""

NEITHER: dict[Does, frozenset[str]] = {
    "read": frozenset(("register", "reverts", *CONVERTS)),
    "append": frozenset(("isinstance", "issubclass", "register", "reverts", *READS)),
}
"""Calls that are given an event class, and read no event of it, or make none."""


def readers(module: str, sources: Sources, names: Names, unread: Collection[Id]) -> list[CodeUse]:
    """Places that may read events which nothing else reads."""
    return _found(module, sources, names, unread, "read") if unread else []


def givers(module: str, sources: Sources, names: Names, ungiven: Collection[Id]) -> list[CodeUse]:
    """Places that may give events which nothing else gives."""
    return _found(module, sources, names, ungiven, "append") if ungiven else []


def _found(module: str, sources: Sources, names: Names, asked: Collection[Id], does: Does) -> list[CodeUse]:
    found: list[CodeUse] = []
    for path in application_files(module):
        file = sources.file(path)
        meaning = names_of(file, module_of(path, module))
        for node, parent, inside in _nodes(file.tree):
            ids = _ids(node, parent, meaning, names, asked, does)
            at = sources.at(path, getattr(node, "lineno", 1))
            if ids and at is not None:
                found.append(use(does, inside, sorted(ids), at))
    return found


def _ids(
    node: ast.AST, parent: ast.AST, meaning: Meaning, names: Names, asked: Collection[Id], does: Does
) -> set[Id]:
    if does == "read" and isinstance(node, ast.Call):
        return set(asked) if _takes_all(node, meaning) else set()
    if does == "read" and isinstance(node, ast.Constant):
        return {f"event:{node.value}"} & set(asked) if isinstance(node.value, str) else set()
    if not isinstance(node, ast.Name | ast.Attribute) or not isinstance(parent, HOLDS + TELLS):
        return set()
    if isinstance(parent, ast.Call) and (parent.func is node or _called(parent) in NEITHER[does]):
        return set()
    if does == "append" and isinstance(parent, TELLS):
        return set()
    try:
        return set(names.events(event_classes(meant(node, meaning)))) & set(asked)
    except (DefinitionError, TypeError):
        return set()


def _called(call: ast.Call) -> str:
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))


def _takes_all(node: ast.Call, meaning: Meaning) -> bool:
    """Whether a call follows every event: `db.follow()`, `db.subscribe("mirror")`."""
    if not isinstance(node.func, ast.Attribute) or type(meant(node.func.value, meaning)).__name__ == "module":
        return False
    return len(node.args) == ALL.get(node.func.attr)


def _nodes(tree: ast.AST) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    """Every node with what holds it and the function that it stands in, without annotations, types and lists of names.

    A node is held by its parent, but for a union, by what holds the union, and for a list in a call, by the call.
    """
    left: list[tuple[ast.AST, ast.AST, str]] = [(tree, tree, "module")]
    while left:
        node, parent, inside = left.pop()
        yield node, parent, inside
        inner = node.name if isinstance(node, DEFINITIONS) else inside
        is_through = isinstance(node, ast.BinOp) or (isinstance(node, LISTS) and isinstance(parent, ast.Call))
        left += [(child, parent if is_through else node, inner) for child in _children(node)]


def _children(node: ast.AST) -> list[ast.AST]:
    skipped: list[ast.AST | None] = [getattr(node, "annotation", None), getattr(node, "returns", None)]
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        skipped.append(node.slice)
    if isinstance(node, ast.ClassDef):
        skipped += [*node.bases, *node.keywords]
    targets = getattr(node, "targets", [getattr(node, "target", None)])
    if any(getattr(each, "id", "") == "__all__" for each in targets):
        return []
    return [child for child in reversed(children(node)) if child not in skipped]
