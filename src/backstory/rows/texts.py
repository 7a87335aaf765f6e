"""Texts of other databases as values that every log can keep.

SQLite keeps texts that are no UTF-8, JSON in PostgreSQL may have half of a surrogate pair, and both take values that
are nested more deeply than any log. None of these may stop a drainer.
"""

from __future__ import annotations

import base64
import json
import re
from decimal import Decimal
from typing import Any

import msgspec

exact = msgspec.json.Decoder(float_hook=Decimal).decode
"""The value of JSON, with all digits of its numbers."""

DEEP = 200
"""How deeply a value may be nested; one that is deeper is kept as its text. An event may have twice as many."""

TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]', re.DOTALL)
"""The parts of JSON by which its depth and its members are found."""


def value_of(text: str) -> Any:
    """The value of a JSON text; the text itself, as `{"text": ...}`, if it is none, or is nested too deeply."""
    if text.count("[") + text.count("{") > DEEP and _depth(text) > DEEP:
        return {"text": text}
    try:
        return exact(text)
    except (msgspec.DecodeError, UnicodeError):
        pass
    try:
        return json.loads(text, parse_float=Decimal)
    except ValueError:
        return {"text": text}


def _depth(text: str) -> int:
    deepest = depth = 0
    for token in TOKENS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        deepest = max(deepest, depth)
    return deepest


def clean(text: str) -> Any:
    """A text as every log can keep it. One that is no text is its bytes, or its escapes."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        pass
    else:
        return text
    try:
        return {"bytes": base64.b64encode(text.encode("utf-8", "surrogateescape")).decode()}
    except UnicodeEncodeError:
        return {"escaped": json.dumps(text)[1:-1]}
