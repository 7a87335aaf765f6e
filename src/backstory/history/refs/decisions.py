"""Decisions: a commit, and the commits that were made when it was decided again, have one decision.

A commit that was decided again, differently, is another commit, but the same decision. Its metadata names the commit
that made the decision first, its origin, however often it was decided again since; and its id follows from the
origin's. So two look-ups by id find a decision on any history, from any of its commits.
"""

from __future__ import annotations

from backstory.lookup import commit_with
from backstory.store import Log
from backstory.values.commit import METADATA, Commit
from backstory.values.event_data import RESERVED
from backstory.values.ids import derived

AGAIN = "again"
"""The kind of a commit's id: this decision was made again, and differently."""

ORIGIN, DECIDED_BY = "redecided", "decided_by"
"""Metadata of a commit that was decided again: the id of its origin, and the person who had it decided again."""


def origin(commit: Commit) -> str:
    """The id of the commit that made this decision first; its own, if it was not decided again.

    If its metadata is withheld, its id alone says so: no caller can have given a commit such an id.
    """
    if commit.id.startswith(RESERVED):
        withheld = METADATA in commit.withheld
        first = commit.id.removeprefix(redecided("")) if withheld else commit.metadata.get(ORIGIN)
        if isinstance(first, str) and redecided(first) == commit.id:
            return first
    return commit.id


def redecided(origin: str) -> str:
    """The id of a commit that is decided again in place of another."""
    return derived(AGAIN, origin)


def names_of_decision(commit: Commit) -> tuple[str, ...]:
    """The ids of all commits that can make the same decision, its own first."""
    first = origin(commit)
    return tuple(dict.fromkeys((commit.id, first, redecided(first))))


def deciding(log: Log, id: str) -> Commit | None:
    """The commit of a log that makes the decision of the one with this id: that one, or one that was decided again."""
    first = id.removeprefix(redecided(""))
    for name in dict.fromkeys((id, first, redecided(first))):
        if there := commit_with(log, name):
            return there
    return None


def made(log: Log, commit: Commit, upto: int) -> Commit | None:
    """The commit of a log, up to a position, that makes the same decision: this one, or one that was decided again."""
    first = origin(commit)
    for id in names_of_decision(commit):
        there = commit_with(log, id, upto)
        if there is not None and (id == commit.id or origin(there) == first):
            return there
    return None
