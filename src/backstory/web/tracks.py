"""The track beside a commit: the lines of its branches as an SVG, of any height."""

from __future__ import annotations

from markupsafe import Markup

from backstory.history.ask.graph import Row
from backstory.web.shown import HUES

LEFT, APART, HIGH, MOST = 9, 16, 19, 12
"""Where the first line is, how far lines are apart, how high the commit is, and how many lines are drawn."""


def hue_of(column: int) -> int:
    """The hue of a column: main is the first, and has the first."""
    return column % HUES + 1


def width_of(rows: list[Row]) -> int:
    """The width of the tracks of a list."""
    most = max((max((*row.before, *row.after, row.column), default=0) for row in rows), default=0)
    return LEFT * 2 + APART * min(most, MOST)


def track(row: Row) -> Markup:
    """The lines through a row, the curves of branches that end here, and the commit's own station above all."""
    parts = [
        _in(column, f'<path d="M{_x(column)} 0C{_x(column)} 14 {_x(parent)} 6 {_x(parent)} {HIGH}"/>')
        for column, parent in row.joins
    ]
    gone = {column for column, _ in row.joins}
    others = sorted((row.before | row.after) - gone - {row.column})
    parts += [_in(column, f'<line x1="{_x(column)}" x2="{_x(column)}" y2="100%"/>') for column in others]
    x, is_head = _x(row.column), row.column not in row.before
    top = f' y1="{HIGH}"' if is_head else ""
    end = "100%" if row.column in row.after else str(HIGH)
    line = f'<line x1="{x}" x2="{x}"{top} y2="{end}"/>' if not (is_head and end == str(HIGH)) else ""
    station = f'<circle class="station{" is-head" if is_head else ""}" cx="{x}" cy="{HIGH}" r="4"/>'
    parts.append(_in(row.column, line + station))
    return Markup("".join(parts))  # noqa: S704 - numbers alone


def _x(column: int) -> int:
    return LEFT + APART * min(column, MOST)


def _in(column: int, lines: str) -> str:
    return f'<g class="hue-{hue_of(column)}">{lines}</g>'
