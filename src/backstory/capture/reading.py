"""Rows that triggers wrote, read as values: JSON with all digits of its numbers, and with what JSON should not have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from backstory.rows.texts import DEEP, TOKENS, exact, value_of


def row_of(stored: bytes | str) -> Any:
    """The values of a row: an array of them, or an object."""
    raw = stored.encode("utf-8", "surrogatepass") if isinstance(stored, str) else bytes(stored)
    if raw.count(b"[") + raw.count(b"{") <= DEEP:
        try:
            return exact(raw)
        except (msgspec.DecodeError, UnicodeError):
            pass
    parts = list(_parts(raw.decode("utf-8", "surrogateescape")))
    if raw.startswith(b"["):
        return [value_of(value) for _, value in parts]
    return {json.loads(name): value_of(value) for name, value in parts}


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
