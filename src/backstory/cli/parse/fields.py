"""Fields as FIELD=VALUE on a command line: a value is JSON if it reads as JSON, and else text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from backstory.cli.exits import UsageError


def fields(texts: Sequence[str]) -> dict[str, Any]:
    """The fields and their values, which may be raw JSON. Raises `UsageError`."""
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise UsageError(f"data is FIELD=VALUE, like cents=500; got {text!r}")
        if name in found:
            raise UsageError(f"the field {name!r} is given twice")
        try:
            found[name] = json_value(value)
        except msgspec.ValidationError:
            raise UsageError(f"{text}: this number is too large; as text it needs double quotes") from None
    return found


def json_value(text: str) -> Any:
    """The stored form of a value: as it stands if it is JSON, else as text.

    Raises `msgspec.ValidationError` if it is a number that would be infinite.
    """
    raw = text.strip().encode()
    try:
        msgspec.json.decode(raw)
    except msgspec.DecodeError as wrong:
        if isinstance(wrong, msgspec.ValidationError) and reads_as_json(text):
            raise
        return text
    return msgspec.Raw(raw)


def reads_as_json(text: str) -> bool:
    """Whether it is JSON, if numbers may be of any size."""
    import json

    try:
        json.loads(text)
    except ValueError:
        return False
    return True
