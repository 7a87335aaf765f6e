"""Values for people: as text if that cannot be mistaken for another value, and else as JSON."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from backstory.told import plain


def shown(value: Any) -> str:
    """A value as text, or as JSON if the text would be taken for another value."""
    if (
        isinstance(value, str)
        and value.isprintable()
        and value == value.strip()
        and value
        and not is_json(value)
    ):
        return value
    return plain(msgspec.json.encode(value).decode())


def is_json(text: str) -> bool:
    """Whether a text reads as a JSON value."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
