"""Revert: the inverse of commits, as new events. History is never rewritten; it is answered.

    @reverts(Deposited)
    def take_back(event: Deposited) -> Withdrawn:
        return Withdrawn(event.account, event.cents)

The application says how to undo an event. Blame finds commits that must not be undone: if a later commit gave a field
its value, taking the earlier one back would change a later decision of somebody else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import UnionType
from typing import Any, TypeVar, overload

import msgspec

from backstory.decide.loading import replayed
from backstory.decide.state import State
from backstory.errors import Conflict, DefinitionError, RevertError
from backstory.history.ask.entities import Entities, Identities, concerns
from backstory.history.merge import undone
from backstory.history.merge.owned import Owned, owned, why
from backstory.lookup import events_of
from backstory.store import Log, append
from backstory.values.codec import Codec
from backstory.values.commit import Commit, Draft
from backstory.values.event import Unknown
from backstory.values.event_data import EventData, RecordedEvent
from backstory.values.event_types import event_classes
from backstory.values.query import Query, union

E = TypeVar("E")
ATTEMPTS = 10
Inverse = Callable[[Any], Any]
F = TypeVar("F", bound=Inverse)
S = TypeVar("S", bound=State)

inverses: dict[type[Any], Inverse | _OnState] = {}
"""The functions that undo an event, by its class."""


class Inversion(msgspec.Struct, frozen=True):
    """The events that undo some commits, and the query of all that they concern."""

    events: tuple[EventData, ...]
    query: Query


@overload
def reverts(event: type[E]) -> Callable[[Callable[[E], Any]], Callable[[E], Any]]: ...


@overload
def reverts(event: UnionType) -> Callable[[F], F]: ...


def reverts(event: Any) -> Any:
    """Register the inverse of an event, or of each event of a union `Paid | Refunded`.

    It is a function from the event to an event, a list of them, or None for nothing to undo. Raises `DefinitionError`
    for a class that is not an event.
    """
    classes = event_classes(event)

    def registered(function: Inverse) -> Inverse:
        inverses.update(dict.fromkeys(classes, function))
        return function

    return registered


def undone_on(event: type[E], state: type[S], function: Callable[[E, S], Any]) -> None:
    """Register the inverse of an event that follows from the state before it, too; the state is known by its tags."""
    inverses[event] = _OnState(state, function)


class _OnState(msgspec.Struct, frozen=True):
    """An inverse that takes the state before the event."""

    state: type[State]
    function: Callable[[Any, Any], Any]


def revert(
    log: Log,
    commits: Sequence[Commit],
    states: Callable[[], Iterable[type[State]]],
    drafting: Callable[[Inversion, int], Draft],
    codec: Codec,
    *,
    force: bool = False,
) -> Commit | None:
    """Append events that undo these commits, as one commit; None if there is nothing to undo. Raises as `invert`.

    It is appended on the condition that no state that it concerns has changed, and computed again if one has.
    """
    attempts = 0
    while True:
        head = log.head().position
        inversion = invert(log, commits, states, codec, force=force)
        if not inversion.events:
            return None
        try:
            return append(log, drafting(inversion, head))[0]
        except Conflict:
            attempts += 1
            if attempts == ATTEMPTS:
                raise


def invert(
    log: Log,
    commits: Sequence[Commit],
    states: Callable[[], Iterable[type[State]]],
    codec: Codec,
    *,
    force: bool = False,
) -> Inversion:
    """The events that undo these commits, the last commit first.

    Raises `RevertError` for an event without a registered inverse, and, unless `force`, if one of them is undone
    already, and if later commits own fields that it would change in one of these state classes.
    """
    events: list[EventData] = []
    tags: set[str] = set()
    theirs: list[Owned] = []
    known: dict[type[State], Identities] = {}
    taken = {position for commit in commits for position in range(commit.first, commit.position + 1)}
    if not force:
        undone.check(log, commits, taken)
    for commit in sorted(commits, key=lambda commit: commit.position, reverse=True):
        stored = list(events_of(log, commit))
        for record in reversed(stored):
            events += map(codec.encode, _undone(log, codec.decode(record), record, known))
            tags.update(record.tags)
        if not force:
            for cls in states():
                if concerns(cls, stored):
                    theirs += _owned(log, commit, cls, taken)
    if theirs:
        raise RevertError(why(theirs), theirs)
    return Inversion(tuple(events), union(Query.of(tags=[tag]) for tag in tags))


def _undone(
    log: Log, event: Any, record: RecordedEvent, known: dict[type[State], Identities]
) -> Sequence[Any]:
    if isinstance(event, Unknown) and event.data is None:
        raise RevertError(f"#{record.position} {event.type} cannot be undone: {event.why}")
    function = inverses.get(type(event))
    if function is None:
        name = getattr(event, "type", type(event).__name__)
        raise RevertError(
            f"nothing says how to undo #{record.position} {name}; register it: @reverts({name}) on a function from the"
            " event to the events that undo it",
            is_unknown=True,
        )
    if isinstance(function, _OnState):
        inverse = function.function(event, _before(log, function.state, record, known))
    else:
        inverse = function(event)
    if inverse is None:
        return []
    return inverse if isinstance(inverse, (list, tuple)) else [inverse]


def _before(log: Log, cls: type[State], record: RecordedEvent, known: dict[type[State], Identities]) -> State:
    """The one state of a class that an event concerns, as it was before the event."""
    if cls not in known:
        known[cls] = Identities(cls)
    found = known[cls]
    [key] = found.keys(record)
    reference = found.reference(key)
    assert reference is not None
    return replayed(log, reference, record.position - 1)


def _owned(log: Log, commit: Commit, cls: type[State], taken: set[int]) -> list[Owned]:
    """The fields that the commit changed in states of a class and that later events own."""
    try:
        entities = Entities(log, cls, commit.first - 1)
    except DefinitionError:
        return []  # no event says which of them there are
    for _ in entities.follow(commit.position):
        pass
    found = []
    for entity in entities.found.values():
        found += owned(log, commit, entity.start, entity.state, taken)
    return found
