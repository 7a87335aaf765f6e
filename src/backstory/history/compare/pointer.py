"""JSON pointers, RFC 6901: `/lines/0/quantity`."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

Path = tuple[str | int, ...]

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_STEP = re.compile(rf"(?:^|\.)({_QUOTED}(?=\.|$)|[^.]*)")
_ASSIGNED = re.compile(rf"((?:{_QUOTED}|[^\"=])*)(=)(.*)", re.DOTALL)


def pointer(path: Iterable[str | int]) -> str:
    """The pointer for a path; the whole document is the empty text."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def parse(text: str) -> tuple[str, ...]:
    """The steps of a pointer, or of names with dots between: `/lines/0` and `lines.0` are the same.

    A name with a dot, a slash or `=` in it stands in double quotes, as a text in JSON: `lines.0."price.eur"`.
    """
    if text.startswith("/"):
        return tuple(step.replace("~1", "/").replace("~0", "~") for step in text[1:].split("/"))
    return tuple(map(_name, _STEP.findall(text))) if text else ()


def assigned(text: str) -> tuple[str, str] | None:
    """The path and the value of `PATH=VALUE`; None if it has no `=`, or no path. In quotes, `=` is part of a name."""
    found = _ASSIGNED.fullmatch(text)
    path, equals, value = found.groups() if found else text.partition("=")
    return (path, value) if path and equals else None


def quoted(name: str) -> str:
    """A name as it is written in a path."""
    plain = name and not name.isspace() and not any(sign in name for sign in './="')
    return name if plain else msgspec.json.encode(name).decode()


def _name(step: str) -> str:
    try:
        return msgspec.json.decode(step, type=str) if step.startswith('"') else step
    except msgspec.MsgspecError:
        return step
