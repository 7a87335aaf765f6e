"""Errors: the fault, and apart from it the advice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backstory.errors import BackstoryError


def error_document(error: BackstoryError) -> dict[str, Any]:
    """An error: its kind for programs, its message and its hints for people."""
    return {"error": error.kind, "message": str(error), "hints": list(error.hints)}
