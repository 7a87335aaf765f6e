"""Schemas in words, for people: `a whole number`, `text (uuid) or nothing`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

NAMES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}

FORMATS = {
    "date-time": "a time",
    "time": "a time of day",
    "date": "a date",
    "duration": "a duration",
    "uuid": "a UUID",
    "decimal": "a decimal number",
    "base64": "bytes",
}


def spoken(branches: Iterable[dict[str, Any]]) -> str:
    """The values that any of these branches allows, in words."""
    return " or ".join(dict.fromkeys(map(_one, branches))) or "nothing at all"


def _one(branch: dict[str, Any]) -> str:
    if "const" in branch:
        return "nothing" if branch["const"] is None else msgspec.json.encode(branch["const"]).decode()
    if not branch.keys() - {"default", "$defs"}:
        return "anything"
    if branch.get("uniqueItems"):
        return "a set"
    if branch.get("type") == "object" and "properties" not in branch:
        return "a dict"
    if branch.get("format") in FORMATS:
        return FORMATS[branch["format"]]
    pattern = f" that matches {branch['pattern']}" if "pattern" in branch else ""
    return NAMES.get(str(branch.get("type")), "something else") + pattern
