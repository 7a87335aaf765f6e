"""How values look on a page: text, times, counts, hues, initials, changes, and small pictures of numbers."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec
from markupsafe import Markup

from backstory.told import cut, plain, plain_lines
from backstory.values.masking import MASK

HUES = 6
"""Hues of the stylesheet."""

CUT, LINE, TEXT = 240, 1_000, 20_000
"""Characters that are shown of a value in a list or a table, of a name or another text of one line, and of a text of
several lines. What is left out is counted.
"""


def hue(text: str) -> int:
    """The hue of an event type, or of an author: the same for all that begin with the same word, on every machine."""
    word = re.match(r"[A-Z]?[a-z0-9]+|[A-Z]+|.", text)
    return zlib.crc32(word[0].lower().encode() if word else b"") % HUES + 1


def initials(name: str) -> str:
    """One or two letters for a person or a program: `CK` of `carl king`, `rs` of `refund-sweeper`."""
    words = re.findall(r"\w+", name)
    letters = [word[0] for word in (words[:1] + words[1:][-1:])]
    return "".join(letters).upper() if " " in name else "".join(letters)


def ago(time: datetime, now: datetime) -> str:
    """How long ago a time is, in one unit: `14 min`, `2 h`, `3 d`."""
    seconds = (now - time).total_seconds()
    if seconds < 1:
        return "now"
    for size, unit in ((60, "s"), (60, "min"), (24, "h"), (365, "d")):
        if seconds < size:
            return f"{int(seconds)} {unit}"
        seconds /= size
    return f"{int(seconds)} y"


def span(length: timedelta) -> str:
    """A length of time in one unit: `12 minutes`."""
    seconds = length.total_seconds()
    for size, unit in ((60, "second"), (60, "minute"), (24, "hour"), (365, "day")):
        if seconds < size:
            return count(int(seconds), unit)
        seconds /= size
    return count(int(seconds), "year")


def count(number: int, noun: str) -> str:
    """`1 event`, `1,200 events`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def line(text: str) -> str:
    """A text of one line, or a name, without control characters."""
    return plain(cut(text, LINE, counted=True))


def lines(text: str, most: int = TEXT) -> str:
    """A text of several lines, without other control characters."""
    return plain_lines(cut(text, most, counted=True))


def value(data: Any, most: int = TEXT) -> str:
    """The beginning of a value as it is stored: text without quotes, all else as JSON."""
    if isinstance(data, str):
        return lines(data, most)
    return cut(msgspec.json.encode(data, enc_hook=str).decode(), most, counted=True)


def is_masked(data: Any) -> bool:
    """Whether a value is not shown to this reader."""
    return isinstance(data, str) and data in (MASK, "withheld")


def delta(before: Any, after: Any) -> str:
    """The difference of two numbers with its sign; empty for other values."""
    if isinstance(before, bool) or isinstance(after, bool):
        return ""
    if isinstance(before, int) and isinstance(after, int):
        return f"{after - before:+}"
    if isinstance(before, int | float) and isinstance(after, int | float):
        with suppress(OverflowError):  # an integer beyond every float
            return f"{after - before:+.6g}"
    return ""


def bars(numbers: Sequence[int], height: int = 36) -> str:
    """The path of bars, each 8 wide in 10, of numbers that are scaled to the height."""
    most = max(numbers, default=0) or 1
    heights = [round(number * (height - 1) / most) for number in numbers]
    return "".join(f"M{index * 10} {height - each}h8v{each + 1}h-8z" for index, each in enumerate(heights))


def steps(numbers: Sequence[float], chosen: int | None = None) -> Mapping[str, str]:
    """The paths of a spark line of steps in a box of 120 by 24: the line, the area below it, and the chosen point."""
    low, high = min(numbers), max(numbers)
    width = (high - low) or 1
    xs = [index * 120 / max(1, len(numbers) - 1) for index in range(len(numbers))]
    ys = [21 - (each - low) / width * 18 for each in numbers]
    line = f"M0 {ys[0]:.1f}" + "".join(f"H{x:.1f}V{y:.1f}" for x, y in zip(xs[1:], ys[1:], strict=True))
    dot = "" if chosen is None else f"M{xs[chosen]:.1f} {ys[chosen]:.1f}h0"
    return {"line": line, "area": f"{line}V24H0Z", "dot": dot}


def data_block(data: Any) -> Markup:
    """Data for the script, inside of a `<script type="application/json">`: no text in it can end that element."""
    text = msgspec.json.encode(data, enc_hook=str).decode()
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704 - escaped here


GLOBALS: Mapping[str, Callable[..., Any]] = {
    "ago": ago, "bars": bars, "count": count, "data_block": data_block, "delta": delta, "hue": hue,
    "initials": initials, "is_masked": is_masked, "span": span, "steps": steps,
}  # fmt: skip


def dotted(pointer: str) -> str:
    """The path of a part of a state as code has it: `lines.pen.count` of `/lines/pen/count`."""
    return pointer.removeprefix("/").replace("/", ".").replace("~1", "/").replace("~0", "~")


FILTERS: Mapping[str, Callable[..., Any]] = {
    "dotted": dotted,
    "plain": line,
    "lines": lines,
    "value": value,
}
