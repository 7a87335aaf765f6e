"""Patterns in states that name a field which their event does not have: no event matches them, and Python is silent."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator
from textwrap import dedent
from types import CodeType

from backstory.decide.state import State, state_type
from backstory.likeness import did_you_mean
from backstory.schema.check import Finding
from backstory.values.event_types import EventType
from backstory.values.fields import hints


def unmatched(states: Iterable[type[State]]) -> Iterator[Finding]:
    """Each field that a `case` of an `apply` names, and its event lacks; nothing where there is no source to read."""
    for cls in states:
        kinds = {kind.cls.__name__: kind for kind in state_type(cls).events.values()}
        for line, name, field in _named(cls):
            if (kind := kinds.get(name)) is not None and not _has(kind, field):
                known = did_you_mean(field, hints(kind.cls) or {}, "it was renamed or removed")
                yield Finding(
                    "broken",
                    kind.name,
                    kind.version,
                    f"has no field {field!r}, which {cls.__qualname__}.apply matches in line {line} of"
                    f" {cls.__module__}: no event would match",
                    remedy=known[0].upper() + known[1:],
                )


def _has(kind: EventType, field: str) -> bool:
    return field in (hints(kind.cls) or {}) or hasattr(kind.cls, field)


def _named(cls: type[State]) -> Iterator[tuple[int, str, str]]:
    """The line, the class and the field of each `case Class(field=...)` in a state's `apply`."""
    code = getattr(inspect.unwrap(cls.apply), "__code__", None)  # type: ignore[attr-defined]
    if code is not None and not _may_name(code):
        return  # to find the lines of a function takes half a millisecond
    try:
        lines, first = inspect.getsourcelines(cls.apply)  # type: ignore[attr-defined]
        tree = ast.parse(dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.MatchClass):
            name = ast.unparse(node.cls).rpartition(".")[2]
            for field in node.kwd_attrs:
                yield first + node.lineno - 1, name, field


def _may_name(code: CodeType) -> bool:
    """Whether compiled code may have such a pattern: the fields that one names are a constant there, a tuple."""
    return any(
        _may_name(each) if isinstance(each, CodeType) else isinstance(each, tuple) and each != ()
        for each in code.co_consts
    )
