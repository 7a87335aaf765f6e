"""Documents: every result as data for JSON, the same for `--json`, a web page and a tool.

A document is a dict that `msgspec.json.encode` writes. What the application marks as personal or secret is masked in
it. Nothing here prints, and nothing here knows a command line.
"""

from __future__ import annotations

from typing import Any

SCHEMA = 1
"""The version of what documents say. It goes up when a field goes away or changes its meaning."""


def document(kind: str, /, **fields: Any) -> dict[str, Any]:
    """A whole document: the version, its kind, and these fields."""
    return {"schema": SCHEMA, "kind": kind, **fields}
