"""Made-up data that a schema allows: the same each time, and none if a schema asks for more than can be made up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from backstory.schema.compatibility import branches
from backstory.schema.json_schema import Schema

TEXTS = {
    "date-time": "2026-11-01T10:00:00Z",
    "time": "10:00:00",
    "date": "2026-11-01",
    "duration": "P1D",
    "uuid": "8a6e0804-2bd0-4672-b79d-d97027f9071a",
    "decimal": "1.50",
    "base64": "YQ==",
    "integer": "1",
    "number": "1.5",
}
DEEP = 6
"""Classes within classes before a sample gives up on one that contains itself."""


class CannotSample(Exception):
    """No value is made up for this schema."""


def samples(schema: Schema) -> list[dict[str, Any]]:
    """Objects that the schema allows: with all fields, so that every alternative occurs, and with those required."""
    try:
        parts = {name: list(values(part, schema, 0)) for name, part in schema.get("properties", {}).items()}
    except CannotSample:
        return []
    most = max(map(len, parts.values()), default=1)
    whole = [{name: found[index % len(found)] for name, found in parts.items()} for index in range(most)]
    least = {name: parts[name][0] for name in schema.get("required", ()) if name in parts}
    return whole if least in whole else [*whole, least]


def values(schema: Any, root: Schema, depth: int) -> Iterator[Any]:
    """A value for each alternative. Raises `CannotSample`."""
    if depth > DEEP:
        raise CannotSample
    for branch in branches(schema, root):
        yield value(branch, root, depth)


def value(branch: Schema, root: Schema, depth: int) -> Any:
    """A value of one alternative. Raises `CannotSample`."""
    if "const" in branch:
        return branch["const"]
    match branch.get("type"):
        case "string":
            return _text(branch)
        case "integer" | "number":
            return _number(branch)
        case "boolean":
            return True
        case "array":
            firsts = [_first(part, root, depth) for part in branch.get("prefixItems", ())]
            if branch.get("minItems", 0) > len(firsts) or not firsts:
                count = max(branch.get("minItems", 0), 1 if branch.get("items") else 0)
                firsts += [_first(branch["items"], root, depth)] * count if count else []
            if branch.get("uniqueItems") and len(firsts) > 1:
                raise CannotSample
            return firsts
        case "object":
            if branch.get("minProperties", 0) or "properties" not in branch:
                return {}
            return {name: _first(part, root, depth) for name, part in branch["properties"].items()}
        case None if not branch.keys() - {"default", "$defs"}:
            return "anything"
    raise CannotSample


def _first(schema: Any, root: Schema, depth: int) -> Any:
    """The simplest alternative that can be made up: a class that contains itself ends there."""
    if depth > DEEP:
        raise CannotSample
    found = sorted(branches(schema, root), key=lambda one: "const" not in one)
    return value(found[0], root, depth + 1)


def _text(branch: Schema) -> str:
    if "pattern" in branch or branch.get("format") not in (None, *TEXTS):
        raise CannotSample
    text = TEXTS.get(branch.get("format", ""), "text")
    if branch.get("x-timezone") == "forbidden":
        text = text.removesuffix("Z")
    elif branch.get("x-timezone") == "required" and not text.endswith("Z"):
        text += "Z"
    if "format" not in branch:
        text = text.ljust(branch.get("minLength", 0), "x")[: branch.get("maxLength")]
    return text


def _number(branch: Schema) -> int | float:
    step = branch.get("multipleOf", 1)
    low = branch.get("minimum", branch.get("exclusiveMinimum"))
    high = branch.get("maximum", branch.get("exclusiveMaximum"))
    for start in (low, 1, high):
        if start is None:
            continue
        for near in (start, start + step, start - step):
            found = near // step * step
            if all(
                (
                    found >= branch.get("minimum", found),
                    found <= branch.get("maximum", found),
                    "exclusiveMinimum" not in branch or found > branch["exclusiveMinimum"],
                    "exclusiveMaximum" not in branch or found < branch["exclusiveMaximum"],
                )
            ):
                return int(found) if branch["type"] == "integer" else found
    raise CannotSample
