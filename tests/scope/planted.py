"""Everything that a value holds, as text: to look for what a reader may not see."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from backstory.store import Record

MARK = "planted"


def texts(value: Any) -> Iterator[str]:
    """The `repr` of a value and of each part of it, what it is as text, and its bytes as they are."""
    yield from _texts(value, set())


def _texts(value: Any, met: set[int]) -> Iterator[str]:
    if id(value) in met:
        return
    met.add(id(value))
    yield f"{value!r} {value}"
    if isinstance(value, (bytes, bytearray)):
        yield bytes(value).decode("latin-1")
    elif isinstance(value, Record):
        yield from _texts([value.event, value.stored, value.commit], met)
    elif isinstance(value, BaseException):
        yield from _texts([value.args, vars(value), value.__cause__], met)
        if not value.__suppress_context__:
            yield from _texts(value.__context__, met)
    elif isinstance(value, msgspec.Struct):
        yield from _texts([getattr(value, name) for name in value.__struct_fields__], met)
    elif dataclasses.is_dataclass(value):
        yield from _texts([getattr(value, field.name) for field in dataclasses.fields(value)], met)
    elif isinstance(value, Mapping):
        yield from _texts([*value.keys(), *value.values()], met)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for part in value:
            yield from _texts(part, met)
    elif hasattr(value, "__dict__") and type(value).__module__.startswith("backstory.history"):
        yield from _texts(vars(value), met)


def found_in(value: Any, *asked: str) -> list[str]:
    """The texts of a value that show what is planted, but for the names that were asked for."""
    found = []
    for text in texts(value):
        left = text
        for name in asked:
            left = left.replace(name, "")
        if MARK in left:
            found.append(left)
    return found
