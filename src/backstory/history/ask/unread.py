"""States that a commit changed without having read all of them: events that the query of the commit does not cover,
although a state that the commit changed depends on them.

A decision is protected by what it read. If it changes a field of a state, and that field also follows from events that
the decision did not ask for, nothing kept the decision from being wrong about them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import msgspec

from backstory.decide.loading import replayed
from backstory.decide.state import State, state_type
from backstory.errors import BackstoryError, DefinitionError, OutOfScope
from backstory.failing import theirs
from backstory.history.ask.entities import Entities, concerns
from backstory.history.compare.diff import diff
from backstory.history.compare.pointer import Path, pointer
from backstory.lookup import Commits, events_of
from backstory.store import Log
from backstory.values.commit import QUERY, Commit
from backstory.values.event_data import RecordedEvent
from backstory.values.query import Clause, Query, matcher, union

LOOKED = 64
"""The last events of a state that a decision did not read, of which it is asked what they changed."""

SHOWN = 5
"""The events of a state that are given."""


LARGE, TOLD = 1_000, 5
"""Events of the largest commit that is asked beside other questions about it, and the states that are told of then."""


class Unread(msgspec.Struct, frozen=True):
    """A state that a commit changed, and the last events before it that the decision did not read, newest first.

    `fields` are those that the commit changed and that these events had changed before. `more` says that there are more
    events than are given.
    """

    reference: State
    fields: tuple[str, ...]
    events: tuple[RecordedEvent, ...]
    more: bool = False


def unread(log: Log, commit: Commit, states: Iterable[type[State]]) -> Iterator[Unread]:
    """Stream the states of these classes that a commit changed more of than it had read.

    Nothing is known of a commit without a condition, and of one whose query is withheld. Each state that the commit
    concerns is folded once; of the events that the decision did not read, the last 64 are looked at.
    """
    if commit.condition is None or QUERY in commit.withheld:
        return
    query, own = commit.condition.query, list(events_of(log, commit))
    for cls in states:
        if not concerns(cls, own):
            continue
        try:
            entities = Entities(log, cls, commit.first - 1)
            for _ in entities.follow(commit.position):
                pass
        except (DefinitionError, OutOfScope):
            continue  # no event says which of them there are, or the reader may not know
        for entity in entities.found.values():
            missing = uncovered(entity.reference.query(), query)
            if not missing.clauses:
                continue
            changed = [change.path for change in diff(entity.start, entity.state).changes]
            if changed and (found := _unread(log, entity.reference, commit, query, missing, changed)):
                yield found


def told_unread(log: Log, commit: Commit, states: Iterable[type[State]] | None) -> list[Unread] | None:
    """The first of them, to be shown beside a commit; None where it is not known.

    It is not known without the states of an application, if its code does not fit the history, and of a commit that is
    very large or has no condition.
    """
    if states is None or commit.condition is None or commit.size > LARGE:
        return None
    try:
        with theirs("the application"):
            return list(islice(unread(log, commit, states), TOLD))
    except BackstoryError:
        return None


def uncovered(needed: Query, read: Query) -> Query:
    """The events of a query that another one does not ask for, by types and tags."""
    return union(
        Query.of(types, clause.tags)
        for clause in needed.clauses
        if (types := [type for type in clause.types if not _covers(read, type, clause)])
    )


def _covers(read: Query, type: str, clause: Clause) -> bool:
    return any(
        (not one.types or type in one.types) and set(one.tags) <= set(clause.tags) for one in read.clauses
    )


def _unread(
    log: Log, reference: State, commit: Commit, query: Query, missing: Query, changed: Sequence[Path]
) -> Unread | None:
    """The events that gave one of these parts a value, and that the query does not match."""
    before, read = commit.first - 1, matcher(query)
    newest = log.read(missing, upto=before, backwards=True)
    found = list(islice((event for event in newest if not read(event.type, event.tags)), LOOKED))
    if not found:
        return None
    start = found[-1].position - 1
    compiled, commits, positions = (
        state_type(type(reference)),
        Commits(log),
        {event.position for event in found},
    )
    state = replayed(log, reference, start)
    telling: list[RecordedEvent] = []
    fields: dict[str, None] = {}
    for event in commits.of(log.read(reference.query(), after=start, upto=before)):
        earlier = compiled.copy(state) if event.position in positions else None
        compiled.fold(state, (event,), commits)
        if earlier is not None:
            paths = [change.path for change in diff(earlier, state).changes]
            same = [path for path in changed if any(_overlap(path, other) for other in paths)]
            if same:
                telling.append(event)
                fields.update(dict.fromkeys(map(pointer, same)))
    if not telling:
        return None
    latest = tuple(reversed(telling[-SHOWN:]))
    return Unread(reference, tuple(fields), latest, len(telling) > SHOWN)


def _overlap(one: Path, other: Path) -> bool:
    """Whether one of two parts is the other one, or in it."""
    return all(a == b for a, b in zip(one, other, strict=False))
