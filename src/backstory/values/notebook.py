"""Tables for notebooks, and how much of a value is shown: cells are escaped and cut, because values come from anywhere.

A table has no colours of its own, so it has those of the notebook, light or dark.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

ROWS = 100
"""Rows that a notebook shows."""

CELL = 500
"""Characters of a cell."""

LINE = 10_000
"""Characters of a value, or of an object, as `repr` writes it."""


def table(head: Sequence[str], rows: Iterable[Sequence[object]], most: int = ROWS) -> str:
    """An HTML table of texts: the first rows, and a line that says that there are more."""
    shown = list(islice(rows, most + 1))
    body = "".join(_row("td", row) for row in shown[:most])
    if len(shown) > most:
        body += f'<tr><td colspan="{max(len(head), 1)}">…</td></tr>'
    return f"<table><thead>{_row('th', head)}</thead><tbody>{body}</tbody></table>"


def _row(cell: str, parts: Sequence[object]) -> str:
    from html import escape

    from backstory.told import cut, plain

    shown = (escape(plain(cut(str(part), CELL, counted=True))) for part in parts)
    return f"<tr>{''.join(f'<{cell}>{each}</{cell}>' for each in shown)}</tr>"
