"""Branches and marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from backstory.history.refs.branches import Mark
    from backstory.history.refs.standing import Standing


def standing_document(standing: Standing, current: str | None = None) -> dict[str, Any]:
    """A branch and its standing; `current` is the branch that the folder is on."""
    fields = msgspec.structs.asdict(standing)
    return {"name": fields.pop("name"), "current": standing.name == current, **fields}


def mark_document(mark: Mark) -> dict[str, Any]:
    """A mark."""
    return {
        "name": mark.name,
        "position": mark.position,
        "hash": mark.hash,
        "message": mark.message,
        "author": mark.author,
        "time": mark.time,
    }
