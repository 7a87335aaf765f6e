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
"""The last character that there is: what begins with it is sorted behind all other texts."""

LIKE_MARK, BEHIND = MARK + "\0", MARK + "\1"
"""Where Python sorts lists and dicts among texts: stands for the mark of a text that begins with one; and before the
JSON of a list or a dict, which is so behind all texts."""

CUT = "\1"
"""Stands between the beginning of a text and the digest of the whole."""

EXACT = 2**53
"""A database may compare a float with a whole number as two floats, which is exact below this."""

LONGEST = 200
"""Characters of a text that are sorted by, because an index of PostgreSQL takes no long ones."""


def sortable(value: Any) -> Any:
    """A value by which Python can sort, and which a cursor can hold."""
    if isinstance(value, str):
        return LIKE_MARK + value[1:] if value.startswith(MARK) else value
    if isinstance(value, (int, float, type(None))):
        return value
    return BEHIND + msgspec.json.encode(value).decode()


def is_exact(constant: float | str, *, ordered: bool) -> bool:
    """Whether coded values are to that of a constant as the values are to the constant itself."""
    if isinstance(constant, str):
        return CUT not in constant and not (ordered and len(constant) > LONGEST)
    return abs(constant) < EXACT


def text_of(sorted_by: str) -> str:
    """The text that Python sorts by this one."""
    return MARK + sorted_by[len(LIKE_MARK) :] if sorted_by.startswith(LIKE_MARK) else sorted_by


def coded(value: Any) -> str | None:
    """A value as its column has it."""
    return coded_of(sortable(value))


def coded_of(sorted_by: Any) -> str | None:
    """The same of a value by which Python sorts, such as one of a cursor."""
    if sorted_by is None:
        return None
    if not isinstance(sorted_by, str):
        return NUMBER + _number(sorted_by)
    if sorted_by.startswith(BEHIND):
        return _text(NESTED, sorted_by[len(BEHIND) :])
    return _text(TEXT, text_of(sorted_by))


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
    return f"{kind}{text[:LONGEST].partition(chr(0))[0]}{CUT}{digest}"
