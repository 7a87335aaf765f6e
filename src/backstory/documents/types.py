"""Types as people read them: the placeholder for a value of a type, and a type as it is written in code."""

from __future__ import annotations

import enum
import re
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

NAMES = {
    "str": "TEXT",
    "int": "INT",
    "float": "NUMBER",
    "Decimal": "DECIMAL",
    "datetime": "TIME",
    "date": "DATE",
    "time": "TIME-OF-DAY",
    "timedelta": "DURATION",
    "UUID": "UUID",
    "bytes": "BASE64",
    "dict": "JSON",
    "Any": "JSON",
}
MARKED = re.compile(r"Annotated\[([^\[\]]+(?:\[[^\[\]]*\])?), <(SUBJECT|PERSONAL|SECRET): \d>\]")
"""A type with a mark of `backstory.values.privacy`, as Python writes it."""

SEQUENCES = (list, set, frozenset)


def bare(annotation: Any) -> Any:
    """A type without its annotations, and without the None beside it."""
    while True:
        annotation = getattr(annotation, "__value__", annotation)
        annotation = getattr(annotation, "__supertype__", annotation)
        parts = [part for part in get_args(annotation) if part is not types.NoneType]
        if get_origin(annotation) is Annotated:
            annotation = annotation.__origin__
        elif get_origin(annotation) in (Union, types.UnionType) and len(parts) == 1:
            annotation = parts[0]
        else:
            return annotation


def item(annotation: Any) -> Any | None:
    """The type of the items, if the type is a collection of one type; else None."""
    kind = bare(annotation)
    if kind in SEQUENCES:
        return Any
    if get_origin(kind) in SEQUENCES or (get_origin(kind) is tuple and get_args(kind)[-1] is Ellipsis):
        return get_args(kind)[0]
    return None


def spelled(annotation: Any) -> str:
    """The placeholder for a value of this type in a usage: `INT`, `free|paid`, `JSON`."""
    kind = bare(annotation)
    if get_origin(kind) is Literal:
        return "|".join(map(str, get_args(kind)))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return "|".join(str(each.value) for each in kind)
    if get_origin(kind) in (Union, types.UnionType):
        return "|".join(dict.fromkeys(spelled(part) for part in get_args(kind) if part is not types.NoneType))
    return NAMES.get(getattr(kind, "__name__", ""), "JSON")


def type_name(annotation: Any) -> str:
    """A type as it is written in code."""
    text = (
        annotation.__name__
        if isinstance(annotation, type) and not hasattr(annotation, "__args__")
        else str(annotation)
    )
    return MARKED.sub(_as_marked, re.sub(r"\b(?:\w+\.)+(?=\w)", "", text))


def _as_marked(found: re.Match[str]) -> str:
    return f"{found[2].capitalize()}[{found[1]}]"
