"""Blame: for each part of a state, the commit that gave it its value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backstory.documents.commits import call_document
from backstory.documents.states import reference_document

if TYPE_CHECKING:
    from backstory.decide.state import State
    from backstory.history.blame.blame import Blame, Blamed
    from backstory.subject import Subjects


def blame_document(reference: State, found: Blame, at: int, subjects: Subjects) -> dict[str, Any]:
    """Every part of a state as of a position; a whole comes before its parts."""
    return {
        **reference_document(reference),
        "at": at,
        "parts": [_part(part, subjects) for part in found],
    }


def _part(part: Blamed, subjects: Subjects) -> dict[str, Any]:
    commit = part.commit
    return {
        "path": part.pointer,
        "value": part.shown,
        "whole": part.whole,
        "position": part.position,
        "commit": None if commit is None else commit.hash.hex(),
        "id": None if commit is None else commit.id,
        "time": None if commit is None else commit.time,
        "authored": None if commit is None else commit.authored,
        "author": None if commit is None else commit.author,
        "message": None if commit is None else commit.message,
        "subject": None if commit is None else subjects.of(commit),
        "command": None if commit is None else call_document(commit),
    }
