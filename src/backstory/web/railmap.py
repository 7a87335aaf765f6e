"""The map of branches: a line for each, which leaves its parent's at the point it stands on, as an SVG of numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from backstory.history.refs.branches import Mark
from backstory.history.refs.standing import Standing
from backstory.store import Log
from backstory.web.shown import HUES

LANES = 12
"""Branches that are drawn; the table has the others."""

STATIONS = 40
"""Commits of a branch that are drawn at most: of more, only where branches leave it, and its end."""

MARKS = 6
"""Marks that are drawn."""

LEFT, RIGHT, TOP, APART = 20, 1000, 40, 52
"""Where lines begin and end, where the first is, and how far lines are apart."""

LABEL = 96
"""The width of a label: no other label is written nearer to it."""


class Lane(NamedTuple):
    """The line of a branch."""

    name: str
    hue: int
    path: str
    stations: list[int]
    head: int
    y: int


class Label(NamedTuple):
    """A word on the map."""

    x: int
    text: str


class RailMap(NamedTuple):
    """The picture."""

    lanes: list[Lane]
    bases: list[Label]
    marks: list[Label]
    height: int
    left: int


def hues(standings: Sequence[Standing]) -> dict[str, int]:
    """The hue of each branch: lanes take them in their order, and main has the first."""
    return {standing.name: index % HUES + 1 for index, standing in enumerate(standings)}


def railmap(logs: Mapping[str, Log], standings: Sequence[Standing], marks: Sequence[Mark]) -> RailMap | None:
    """The map of the first branches; None where there is nothing to compare."""
    drawn = list(standings[:LANES])
    if len(drawn) < 2:
        return None
    low = min(each.base for each in drawn[1:])
    high = max(each.position for each in drawn)
    low = max(0, low - max(1, (high - low) // 10))
    width = max(1, high - low)

    def x(position: int) -> int:
        return LEFT + round((RIGHT - LEFT) * max(0, position - low) / width)

    rows: Mapping[str, int] = {each.name: TOP + APART * index for index, each in enumerate(drawn)}
    colors = hues(drawn)
    lanes = []
    for each in drawn:
        y, end = rows[each.name], x(each.position)
        stations = list(_stations(logs[each.name], max(low, each.base), each.position))
        if each.parent is None:
            path = f"M{LEFT} {y}H{max(end, LEFT)}"
        else:
            start, above = x(each.base), rows.get(each.parent, TOP)
            bend = min(55, max(20, end - start))
            middle, end = start + bend // 2, max(end, start + bend)
            path = f"M{start} {above}C{middle} {above} {middle} {y} {start + bend} {y}H{end}"
        lanes.append(Lane(each.name, colors[each.name], path, [x(one) for one in stations[:-1]], end, y))
    bottom = TOP + APART * (len(drawn) - 1)
    bases = _apart(Label(x(each.base), f"#{each.base}") for each in drawn[1:] if each.parent == drawn[0].name)
    shown = sorted((mark for mark in marks if mark.position >= low), key=lambda mark: mark.position)[-MARKS:]
    named = _apart(Label(x(mark.position), mark.name[:20]) for mark in shown)
    return RailMap(lanes, bases, named, bottom + 40, len(standings) - len(drawn))


def _stations(log: Log, after: int, upto: int) -> Iterator[int]:
    """The ends of the commits of a branch in a stretch, if they are few enough to be told apart."""
    found = list(log.commits(after=after, upto=upto, limit=STATIONS + 1))
    return iter([commit.position for commit in found] if len(found) <= STATIONS else [])


def _apart(labels: Iterator[Label]) -> list[Label]:
    """The labels that do not lie upon another one before them."""
    found: list[Label] = []
    for label in sorted(labels):
        if not found or label.x - found[-1].x >= LABEL:
            found.append(label)
    return found
