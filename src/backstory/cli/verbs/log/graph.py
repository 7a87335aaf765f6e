"""`log --graph`: branches as lines beside their commits."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from backstory.history.ask.graph import Row, rows
from backstory.history.ask.listing import Filter

if TYPE_CHECKING:
    from argparse import Namespace

    from backstory.cli.verbs.log.view import View
    from backstory.session import Session


def drawn(session: Session, wanted: Filter, arguments: Namespace, view: View) -> Iterator[str]:
    """The lines of the graph, commits included."""
    branches = session.branches
    if arguments.revision is None:
        tips = [(branch.chain, branches.view(branch.chain).head().position) for branch in branches.all()]
    else:
        point = session.point(arguments.revision)
        tips = [(point.chain, point.position)]
    apart = not arguments.oneline and arguments.format is None
    below: str | None = None
    for row in islice(rows(branches, tips, wanted), arguments.number):
        if apart and below is not None:
            yield below
        yield from _joins(row)
        first = _lines({*_above(row), row.column}, row.column)
        below = _lines(row.after)
        for number, text in enumerate(view.lines(row.side, row.commit)):
            yield f"{below if number else first} {text}".rstrip()


def _above(row: Row) -> set[int]:
    """The columns with a line just above the commit."""
    return set(row.before) - {column for column, _ in row.joins}


def _joins(row: Row) -> Iterator[str]:
    """The lines that lead from columns that end to the commit that they stand on."""
    live = set(row.before)
    for column, parent in row.joins:
        live.discard(column)
        line = list(_lines(live).ljust(2 * column))
        for at in range(2 * parent + 1, 2 * column - 1):
            line[at] = "_" if line[at] == " " else line[at]
        line[2 * column - 1] = "/"
        yield "".join(line)


def _lines(columns: Collection[int], here: int | None = None) -> str:
    """A star for the commit, and lines for the others."""
    width = max(columns, default=0) + 1
    return " ".join("*" if column == here else "|" if column in columns else " " for column in range(width))
