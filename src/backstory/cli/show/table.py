"""Rows in columns, for people; programs use --json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backstory.cli.show.output import Output

GAP = "  "


def write(out: Output, titles: Sequence[str], rows: Sequence[Sequence[str]], *, right: str = "") -> None:
    """Write rows under their titles. The columns whose titles are among the words of `right` are numbers."""
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    numbers = [title in right.split() for title in titles]
    for index, row in enumerate([titles, *rows]):
        cells = (
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, numbers, strict=True)
        )
        text = GAP.join(cells).rstrip()
        out.line(text if index else out.paint(text, "dim"))
