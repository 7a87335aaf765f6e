"""The picture of when something was true: a line for each state, with its spans between the turns.

Turns are drawn equally far apart, so that two of them never lie on each other, however near they are in the log.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

LINES, COLUMNS = 20, 40
"""States and turns that are drawn: the newest."""

NAME, WIDTH, STEP, HIGH, TOP = 180, 940, 84, 54, 24
"""The width of names and of bars, the least distance of turns, the height of a line, and where its bar begins."""

CHARS = 22
"""Characters of a name."""


class Truth(msgspec.Struct, frozen=True):
    """A turn: whose, at which position, and the answer after it."""

    words: tuple[str, ...]
    position: int
    holds: bool


class Span(msgspec.Struct, frozen=True):
    """A stretch in which the answer was the same."""

    x: int
    width: int
    holds: bool
    is_last: bool


class Line(msgspec.Struct, frozen=True):
    """The spans of one state, and its turns as places and positions."""

    name: str
    y: int
    spans: tuple[Span, ...]
    turns: tuple[tuple[int, int], ...]


class Drawing(msgspec.Struct, frozen=True):
    """All of it, with the ends of the axis in words."""

    lines: tuple[Line, ...]
    width: int
    height: int
    begin: str
    end: str
    left: int


def drawn(turns: Sequence[Truth], after: int, upto: int, *, is_end: bool) -> Drawing | None:
    """The picture of some turns, which come in the order of the log; None without any."""
    newest = turns[-COLUMNS:]
    if not newest:
        return None
    positions = dict.fromkeys(turn.position for turn in newest)
    step = max(STEP, WIDTH // (len(positions) + 1))
    columns = {position: NAME + step * (number + 1) for number, position in enumerate(positions)}
    end = NAME + step * (len(columns) + 1)
    by_state: dict[tuple[str, ...], list[Truth]] = {}
    for turn in reversed(newest):
        by_state.setdefault(turn.words, []).append(turn)
    shown = list(by_state.items())[:LINES]
    lines = tuple(
        _line(words, own[::-1], columns, end, TOP + HIGH * number)
        for number, (words, own) in enumerate(shown)
    )
    return Drawing(
        lines,
        end + 40,
        TOP + HIGH * len(lines) + 20,
        f"#{after}" if after else "the beginning",
        "now" if is_end else f"#{upto}",
        len(turns) - sum(len(own) for _, own in shown),
    )


def _line(words: tuple[str, ...], own: list[Truth], columns: dict[int, int], end: int, y: int) -> Line:
    spans = []
    x, holds = NAME, not own[0].holds
    for turn in own:
        spans.append(Span(x, columns[turn.position] - x, holds, is_last=False))
        x, holds = columns[turn.position], turn.holds
    spans.append(Span(x, end - x, holds, is_last=True))
    name = " ".join(words[1:] or words)
    name = name if len(name) <= CHARS else f"{name[: CHARS - 1]}…"
    return Line(name, y, tuple(spans), tuple((columns[turn.position], turn.position) for turn in own))
