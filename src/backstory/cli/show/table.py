"""Rows in columns, for people; programs use --json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backstory.cli.show.output import Output

GAP = "  "


IN_LOG = "in log"
"""The title of a column for the log's time of a commit, where it is another one."""


def write(out: Output, titles: Sequence[str], rows: Sequence[Sequence[str]], *, right: str = "") -> None:
    """Write rows under their titles. The columns whose titles are among the words of `right` are numbers.

    The column `IN_LOG` is left out if all its cells are empty.
    """
    if IN_LOG in titles and not any(row[titles.index(IN_LOG)] for row in rows):
        place = titles.index(IN_LOG)
        titles, *rows = [[*row[:place], *row[place + 1 :]] for row in (titles, *rows)]
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    numbers = [title in right.split() for title in titles]
    for index, row in enumerate([titles, *rows]):
        cells = (
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, numbers, strict=True)
        )
        text = GAP.join(cells).rstrip()
        out.line(text if index else out.paint(text, "dim"))
