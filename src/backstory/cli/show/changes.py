"""Differences of states, as coloured lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from backstory.history.compare.patch import lines
from backstory.told import plain

if TYPE_CHECKING:
    from backstory.cli.show.output import Output
    from backstory.history.compare.diff import Difference

COLORS = {"+": "green", "-": "red", "~": "yellow", ">": "cyan"}


def painted(difference: Difference, out: Output) -> Iterator[str]:
    """A line for each change."""
    return (out.paint(plain(str(line)), COLORS[line.sign]) for line in lines(difference))
