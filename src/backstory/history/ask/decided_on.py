"""The condition that a commit was decided on: the kinds of events that it had read, and whether it held."""

from __future__ import annotations

import msgspec

from backstory.store import Log
from backstory.values.commit import QUERY, Commit
from backstory.values.event_data import RecordedEvent
from backstory.values.query import Clause, Query

CLAUSES, COUNTED = 20, 100
"""Parts of a condition that are shown, and events of each that are counted."""


class Part(msgspec.Struct, frozen=True):
    """A part of a condition: how many such events there were, up to `COUNTED`, and the position of the last one."""

    types: tuple[str, ...]
    tags: tuple[str, ...]
    count: int
    more: bool
    last: int | None


class DecidedOn(msgspec.Struct, frozen=True):
    """A condition: up to which position it was decided on, its first parts, and how many are left out.

    `came` is the first event that the decision had not known and that came before it, as by a merge that was forced.
    """

    after: int
    clauses: tuple[Part, ...]
    left: int
    came: RecordedEvent | None


def decided_on(commit: Commit, log: Log) -> DecidedOn | None:
    """The condition of a commit; None if it has none, or if it is withheld. A look-up for each part."""
    condition = commit.condition
    if condition is None or QUERY in commit.withheld:
        return None
    clauses = condition.query.clauses
    came = next(iter(log.read(condition.query, after=condition.after, upto=commit.first - 1, limit=1)), None)
    parts = tuple(_part(clause, condition.after, log) for clause in clauses[:CLAUSES])
    return DecidedOn(condition.after, parts, max(0, len(clauses) - CLAUSES), came)


def _part(clause: Clause, upto: int, log: Log) -> Part:
    found = list(log.read(Query((clause,)), upto=upto, backwards=True, limit=COUNTED + 1)) if upto else []
    last = found[0].position if found else None
    return Part(clause.types, clause.tags, min(len(found), COUNTED), len(found) > COUNTED, last)
