"""JSON values as texts that SQL sorts and compares as Python does, in SQLite and PostgreSQL alike.

A field of a plain row may hold a number today and a text tomorrow, so no column has its type. Numbers come first, then
texts, then lists and dicts; null, and no value, is NULL.
"""

from __future__ import annotations

import hashlib
import struct
from typing import Any

import msgspec

NUMBER, TEXT, NESTED, WITHHELD = "n", "s", "t", "w"
"""The beginning of a coded value; and the whole of one that nobody knows any more."""

MARK = "\U0010ffff"
"""Stands before the JSON of a list or a dict where Python sorts it among texts: behind them all."""

LONGEST = 200
"""Characters of a text that are sorted by, because an index of PostgreSQL takes no long ones."""


def sortable(value: Any) -> Any:
    """A value by which Python can sort, and which a cursor can hold."""
    if isinstance(value, (int, float, str, type(None))):
        return value
    return MARK + msgspec.json.encode(value).decode()


def coded(value: Any) -> str | None:
    """A value as its column has it."""
    value = sortable(value)
    if value is None:
        return None
    if not isinstance(value, str):
        return NUMBER + _number(value)
    return _text(NESTED, value[1:]) if value.startswith(MARK) else _text(TEXT, value)


def _number(value: float) -> str:
    """16 digits that sort as the numbers do; whole numbers beyond 2**53 as the nearest float."""
    try:
        real = float(value) + 0.0  # which makes 0.0 of -0.0
    except OverflowError:
        real = float("inf") if value > 0 else float("-inf")
    bits: int = struct.unpack(">Q", struct.pack(">d", real))[0]
    return f"{bits ^ (0xFFFFFFFFFFFFFFFF if bits >> 63 else 1 << 63):016x}"


def _text(kind: str, text: str) -> str:
    """The text; of a long one, or one with a NUL, which PostgreSQL has not, its beginning and a digest."""
    if len(text) <= LONGEST and "\0" not in text:
        return kind + text
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{kind}{text[:LONGEST].partition(chr(0))[0]}\x01{digest}"
