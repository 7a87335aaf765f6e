"""The statements that may write rows, by their first words: before these alone it is said who writes."""

from __future__ import annotations

import re

WRITES = re.compile(
    r"(?:\s|/\*.*?\*/|--[^\n]*\n)*+"
    r"(?:INSERT|UPDATE|DELETE|REPLACE|MERGE|TRUNCATE|CALL|DO|WITH\b.*?\b(?:INSERT|UPDATE|DELETE|MERGE))\b",
    re.IGNORECASE | re.DOTALL,
)
"""Comments are never looked at again (`*+`): else each comment more would double the time."""


def may_write(sql: str) -> bool:
    """Whether a statement may write rows. A function that writes, in a `SELECT`, is not seen."""
    return WRITES.match(sql) is not None
