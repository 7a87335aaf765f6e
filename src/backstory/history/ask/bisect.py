"""Bisect: the event after which something became true of a state, exact, by one linear fold.

Before its first event an entity is not there, and nothing is true of it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any

import msgspec

from backstory.decide.call import first_of
from backstory.decide.latest import Latest
from backstory.decide.loading import replay
from backstory.decide.state import State, state_type
from backstory.history.ask.entities import Entities
from backstory.history.ask.expression import Expression
from backstory.lookup import Commits, to_end
from backstory.store import Held, Log, Record
from backstory.values.codec import PLAIN, Codec
from backstory.values.event_data import RecordedEvent
from backstory.values.notebook import table

Predicate = Callable[[Any], bool]
"""A function that is true or false of a state, and does not change it."""


class Turn(msgspec.Struct, frozen=True):
    """An event after which the answer was another one than before."""

    record: Record
    holds: bool


class Found(msgspec.Struct, frozen=True):
    """All turns of a predicate over one state's history, oldest first; `began` is its value before the first turn."""

    turns: tuple[Turn, ...]
    began: bool = False

    def __repr__(self) -> str:
        """In a line: `<Found: true at #3 Withdrawn, false at #5 Deposited>`."""
        told = (
            f"{str(turn.holds).lower()} at #{turn.record.position} {turn.record.type}" for turn in self.turns
        )
        return f"<Found: {first_of(told) or f'{str(self.began).lower()} at every event'}>"

    def _repr_html_(self) -> str:
        """For notebooks: a row for each turn."""
        rows = (
            (str(turn.holds).lower(), f"#{turn.record.position}", turn.record.type) for turn in self.turns
        )
        return table(("", "since", "event"), rows)

    @property
    def first(self) -> Record | None:
        """The first event that made it true, with its author and its commit; None if no event did."""
        return next((turn.record for turn in self.turns if turn.holds), None)

    @property
    def holds(self) -> bool:
        """Whether it is true in the end."""
        return self.turns[-1].holds if self.turns else self.began

    @property
    def flipped(self) -> bool:
        """Whether it went back and forth: then the first event is not the only one to look at."""
        return len(self.turns) > 1


EVERY = 500
"""Events between two answers to how far a search has come."""


class Looked(msgspec.Struct, frozen=True):
    """How far a search has come: up to a position, after so many events of so many states, with so many turns."""

    position: int
    events: int
    states: int
    turns: int


class StateTurn(msgspec.Struct, frozen=True):
    """A turn of one of many states: which one, its values after the event, and the position of its turn before.

    `since` is None at its first turn: since its beginning, or that of the search, the answer was the other one.
    """

    record: Record
    holds: bool
    reference: State
    state: State
    since: int | None = None

    def __repr__(self) -> str:
        """In a line: `<StateTurn Account(account='a-7') true at #3 Withdrawn>`."""
        told = f"{str(self.holds).lower()} at #{self.record.position} {self.record.type}"
        return f"<StateTurn {self.reference!r} {told}>"


def first(
    log: Log,
    reference: State,
    predicate: Predicate,
    after: int = 0,
    upto: int | None = None,
    codec: Codec = PLAIN,
) -> Found:
    """When `predicate` became true of a state, and every time it turned, in `after < position <= upto`.

    Raises errors of the predicate, `UnreadableEvent`, and `ExpressionError` if it never was true and no event has one
    of its fields.
    """
    return to_end(looking_for_first(log, reference, predicate, after, upto, codec))


def looking_for_first(
    log: Log,
    reference: State,
    predicate: Predicate,
    after: int = 0,
    upto: int | None = None,
    codec: Codec = PLAIN,
) -> Generator[Looked, None, Found]:
    """The same, for somebody who waits: it gives how far it has come, and returns what it found."""
    compiled, query, commits = state_type(type(reference)), reference.query(), Commits(log)
    state = compiled.copy(reference)
    began = bool(after and replay(state, log, query, upto=after) and predicate(state))
    held, position, events = began, after, 0
    turns: list[Turn] = []
    for events, record in enumerate(commits.of(log.read(query, after=after, upto=upto)), 1):
        compiled.fold(state, (record,), commits)
        position = record.position
        if bool(predicate(state)) is not held:
            held = not held
            turns.append(Turn(_whole(codec, record, commits), held))
        if events % EVERY == 0:
            yield Looked(position, events, 1, len(turns))
    if not (began or turns) and isinstance(predicate, Expression) and isinstance(state, Latest):
        predicate.check(state.fields)
    yield Looked(position, events, min(events, 1), len(turns))
    return Found(tuple(turns), began)


def turns_of_all(
    log: Log,
    cls: type[State],
    predicate: Predicate,
    after: int = 0,
    upto: int | None = None,
    codec: Codec = PLAIN,
) -> Iterator[StateTurn]:
    """Stream every turn of every state of a class, in the order of the log. One pass, whatever their number.

    Its memory grows with the states that events concern. Raises `DefinitionError` for a class whose entities do not
    follow from events' tags, and as `first` does.
    """
    looking = looking_for_turns(log, cls, predicate, after, upto, codec)
    return (each for each in looking if isinstance(each, StateTurn))


def looking_for_turns(
    log: Log,
    cls: type[State],
    predicate: Predicate,
    after: int = 0,
    upto: int | None = None,
    codec: Codec = PLAIN,
) -> Iterator[StateTurn | Looked]:
    """The same, for somebody who waits: between the turns, and at the end, it gives how far it has come."""
    copied = state_type(cls).copy
    held: dict[int, bool] = {}
    turned: dict[int, int] = {}
    entities = Entities(log, cls, after)
    position, events, turns = after, 0, 0
    for events, (record, concerned) in enumerate(entities.follow(upto), 1):
        position = record.position
        for entity in concerned:
            number = id(entity)
            if number not in held:
                held[number] = entity.existed and bool(predicate(entity.start))
            holds = bool(predicate(entity.state))
            if holds is not held[number]:
                held[number] = holds
                whole = _whole(codec, record, entities.commits)
                yield StateTurn(whole, holds, entity.reference, copied(entity.state), turned.get(number))
                turned[number] = record.position
                turns += 1
        if events % EVERY == 0:
            yield Looked(position, events, len(held), turns)
    if not (turned or any(held.values())) and isinstance(predicate, Expression) and cls is Latest:
        every: Any = entities.found.values()
        predicate.check({name for entity in every for name in entity.state.fields})
    yield Looked(position, events, len(held), turns)


def first_of_all(
    log: Log,
    cls: type[State],
    predicate: Predicate,
    after: int = 0,
    upto: int | None = None,
    codec: Codec = PLAIN,
) -> StateTurn | None:
    """The first event after which `predicate` is true of any state of a class, and was not before. One pass.

    Raises as `turns_of_all`.
    """
    return next((turn for turn in turns_of_all(log, cls, predicate, after, upto, codec) if turn.holds), None)


def _whole(codec: Codec, record: RecordedEvent, commits: Commits) -> Record:
    """An event with its commit, which is read now: a result of async code is looked at where nothing may be read."""
    return Record(codec.decode(record), record, Held(commits(record.commit)))
