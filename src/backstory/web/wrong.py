"""What is near to a wrong address: revisions that are like the one that names nothing, or that it may mean."""

from __future__ import annotations

from backstory.errors import AmbiguousRevision, BackstoryError, RevisionError, UnknownRevision
from backstory.likeness import near
from backstory.web.ask import SHORT, Ask

MOST = 10
"""Revisions that are offered."""


def ways_out(ask: Ask | None, error: Exception) -> list[tuple[str, str]]:
    """Words and addresses of pages that the reader may have meant; none for an error that is about no revision."""
    if ask is None or not isinstance(error, RevisionError) or not ask.at:
        return []
    try:
        if isinstance(error, AmbiguousRevision):
            found = [
                (f"#{each.position} {each.hash.hex()[:SHORT]}", each.hash.hex())
                for each in error.commits[:MOST]
            ]
        elif isinstance(error, UnknownRevision):
            found = [(each, each) for each in near(error.name, [*ask.branch_names, *_marks(ask)])]
        else:
            found = []
    except BackstoryError:  # the page says what was wrong first
        found = []
    return [(words, ask.here(at=name)) for words, name in found] + [("the end of main", ask.here(at=None))]


def _marks(ask: Ask) -> list[str]:
    return [mark.name for mark in ask.db.branches.marks()]
