"""Documents: every result as data for JSON, the same for `--json`, a web page and a tool.

A document is a dict that `msgspec.json.encode` writes. Values that the application marks as personal or secret are
masked in it. Nothing here prints, and nothing here knows a command line.
"""

from __future__ import annotations

from typing import Any

SCHEMA = 1
"""The version of all documents. It goes up when a field goes away or changes its meaning."""


def document(kind: str, /, **fields: Any) -> dict[str, Any]:
    """A whole document: the version, its kind, and these fields."""
    return {"schema": SCHEMA, "kind": kind, **fields}
