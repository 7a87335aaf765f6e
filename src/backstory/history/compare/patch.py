"""Differences, written down: as JSON Patch (RFC 6902), and as lines of text."""

from __future__ import annotations

from typing import Any

import msgspec

from backstory.history.compare.diff import Change, Difference
from backstory.history.compare.jsonable import canonical
from backstory.history.compare.pointer import pointer

SIGNS = {"added": "+", "removed": "-", "changed": "~", "moved": ">"}


class Line(msgspec.Struct, frozen=True):
    """A change as text, in parts, so that they can be shown in colours.

    `sign` is one of `+ - ~ >`; `before` and `after` are JSON; None if there is no value to show.
    """

    sign: str
    field: str
    before: str | None = None
    after: str | None = None

    def __str__(self) -> str:
        if self.sign == "~":
            return f"{self.sign} {self.field}: {self.before} -> {self.after}"
        shown = self.after if self.before is None else self.before
        return f"{self.sign} {self.field}" if shown is None else f"{self.sign} {self.field}: {shown}"


def json_patch(difference: Difference) -> list[dict[str, Any]]:
    """The operations that make the JSON of `after` from that of `before`, in order."""
    return [_operation(change) for change in difference.changes]


def lines(difference: Difference) -> list[Line]:
    """A line for each change, masked: `~ balance: 300 -> 0`, `+ lines[sku=A]: {...}`, `> lines[sku=B]`."""
    return [_line(change.masked()) for change in difference.changes]


def _operation(change: Change) -> dict[str, Any]:
    match change.kind:
        case "added":
            return {"op": "add", "path": change.pointer, "value": change.after}
        case "removed":
            return {"op": "remove", "path": change.pointer}
        case "changed":
            return {"op": "replace", "path": change.pointer, "value": change.after}
        case "moved":
            return {"op": "move", "from": pointer(change.origin or ()), "path": change.pointer}


def _line(change: Change) -> Line:
    before = None if change.kind in ("added", "moved") else canonical(change.before).decode()
    after = None if change.kind in ("removed", "moved") else canonical(change.after).decode()
    return Line(SIGNS[change.kind], change.field, before, after)
