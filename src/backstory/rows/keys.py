"""The key of a row in its history: one text for the values of its key columns."""

from __future__ import annotations

from typing import Any
from uuid import UUID

ESCAPES = {"%": "%25", "/": "%2F", "\0": "%00"}
MARK = "%"
"""Begins a part that stands for another text; a text that begins so itself is escaped, too."""


def key_of(*values: Any) -> str:
    """The key of the row whose key columns have these values: `7`, and `7/12` of two columns.

    A part that a tag cannot hold, or that has the slash of several parts, begins with `%` and is escaped.
    """
    return "/".join(_part(value, len(values) > 1) for value in values)


def _part(value: Any, several: bool) -> str:
    if value is None:
        return "%0"
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, str):
        text = value
    elif isinstance(value, int | float | UUID):
        text = str(value)
    else:
        import msgspec

        text = msgspec.json.encode(value).decode().strip('"')
    if not text or text.startswith(MARK) or "\0" in text or (several and "/" in text):
        return MARK + "".join(ESCAPES.get(each, each) for each in text)
    return text


def parts_of(key: str, parts: int) -> list[str | None]:
    """The texts of the values that a key was made of; None for null."""
    found = key.split("/", parts - 1) if parts > 1 else [key]
    return [None if part == "%0" else _unescaped(part) for part in found]


def _unescaped(part: str) -> str:
    if not part.startswith(MARK):
        return part
    text = part[1:]
    for each, escape in reversed(ESCAPES.items()):
        text = text.replace(escape, each)
    return text
