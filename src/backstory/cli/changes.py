"""Differences of states, as coloured lines for people and as the fields of --json."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from backstory.cli.text import plain
from backstory.history.patch import lines

if TYPE_CHECKING:
    from backstory.cli.output import Output
    from backstory.history.diff import Difference

COLORS = {"+": "green", "-": "red", "~": "yellow", ">": "cyan"}


def painted(difference: Difference, out: Output) -> Iterator[str]:
    """A line for each change."""
    return (out.paint(plain(str(line)), COLORS[line.sign]) for line in lines(difference))


def fields(difference: Difference) -> list[dict[str, Any]]:
    """The changes for --json."""
    return [
        {"kind": change.kind, "path": change.pointer, "before": change.before, "after": change.after}
        for change in difference.masked().changes
    ]
