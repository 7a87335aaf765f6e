"""Texts that triggers wrote, read as values: JSON, with all digits of its numbers, and with what JSON should not have.

SQLite keeps texts that are no UTF-8, JSON in PostgreSQL may have half of a surrogate pair, and both take values that
are nested more deeply than any log. None of these may stop a drainer.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

_exact = msgspec.json.Decoder(float_hook=Decimal).decode

DEEP = 200
"""How deeply a value may be nested; one that is deeper is kept as its text. An event may have twice as many."""

TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]', re.DOTALL)


def value_of(text: str) -> Any:
    """The value of a JSON text; the text itself, as `{"text": ...}`, if it is none, or is nested too deeply."""
    if text.count("[") + text.count("{") > DEEP and _depth(text) > DEEP:
        return {"text": text}
    try:
        return _exact(text)
    except (msgspec.DecodeError, UnicodeError):
        pass
    try:
        return json.loads(text, parse_float=Decimal)
    except ValueError:
        return {"text": text}


def row_of(stored: bytes | str) -> Any:
    """The values of a row: an array of them, or an object."""
    raw = stored.encode("utf-8", "surrogatepass") if isinstance(stored, str) else bytes(stored)
    if raw.count(b"[") + raw.count(b"{") <= DEEP:
        try:
            return _exact(raw)
        except (msgspec.DecodeError, UnicodeError):
            pass
    parts = list(_parts(raw.decode("utf-8", "surrogateescape")))
    if raw.startswith(b"["):
        return [value_of(value) for _, value in parts]
    return {json.loads(name): value_of(value) for name, value in parts}


def _depth(text: str) -> int:
    deepest = depth = 0
    for token in TOKENS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        deepest = max(deepest, depth)
    return deepest


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """The members of an object or an array, as texts: their names, which are empty in an array, and their values."""
    depth, begun, name = 0, 1, ""
    for token in TOKENS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        if depth == 1 and token[0] == ":":
            name, begun = text[begun : token.start()], token.end()
        elif (depth == 1 and token[0] == ",") or not depth:
            if value := text[begun : token.start()].strip():
                yield name, value
            name, begun = "", token.end()


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
