"""JSON pointers, RFC 6901: `/lines/0/quantity`."""

from __future__ import annotations

from collections.abc import Iterable

Path = tuple[str | int, ...]


def pointer(path: Iterable[str | int]) -> str:
    """The pointer for a path; the whole document is the empty text."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def parse(text: str) -> tuple[str, ...]:
    """The steps of a pointer, or of names with dots between: `/lines/0` and `lines.0` are the same.

    Write a pointer if a name has a dot in it.
    """
    if text.startswith("/"):
        return tuple(step.replace("~1", "/").replace("~0", "~") for step in text[1:].split("/"))
    return tuple(text.split(".")) if text else ()
