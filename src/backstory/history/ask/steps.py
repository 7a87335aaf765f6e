"""The events of one state around a point, and what each changed: a window, however many events there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from backstory.decide.state import State, state_type
from backstory.history.compare.flat import Changes, Flat, Leaves, size
from backstory.history.compare.jsonable import encoded, plain
from backstory.lookup import Together
from backstory.store import Log
from backstory.values.commit import Commit
from backstory.values.event_data import RecordedEvent

READ = 16_000_000
"""Bytes of events that a window holds at most, besides its first."""

COMPARED, LEAF = 8_000_000, 100
"""Bytes of states that are compared for a window, about, where each leaf counts for so many more: the steps are fewer
the larger the state is."""


class Step(NamedTuple):
    """An event, its commit, and the leaves of the state that it changed."""

    event: RecordedEvent
    commit: Commit
    changes: Changes

    @property
    def told(self) -> Changes:
        """The changes for a person: a null or an empty list that gave way to a value with parts is not gone."""
        filled = {
            label[:length]
            for label, (_, new) in self.changes.items()
            if new is not None
            for length in range(len(label))
        }
        return {
            label: pair for label, pair in self.changes.items() if pair[1] is not None or label not in filled
        }


class Events(NamedTuple):
    """The events of a state around a point, oldest first: `events[chosen]` is the last one up to it.

    `before` and `after` say whether there are more on that side.
    """

    events: Sequence[RecordedEvent]
    chosen: int
    before: bool
    after: bool


class Steps(msgspec.Struct, frozen=True):
    """The steps of a window, and the leaves before the first, after the chosen one and after the last of them.

    `state` is the state after the chosen one.
    """

    base: Leaves
    steps: Sequence[Step]
    chosen: int
    leaves: Leaves
    last: Leaves
    state: State


def events_around(log: Log, reference: State, at: int, upto: int, most: int) -> Events | None:
    """The events of a state around a position, at most so many; None if there is none up to it.

    As many lie before it as after it, where there are enough on both sides. It reads at most twice as many.
    """
    query = reference.query()
    earlier = _within(log.read(query, upto=at, backwards=True, limit=most + 1))
    if not earlier:
        return None
    later = _within(log.read(query, after=at, upto=upto, limit=most)) if at < upto else []
    after = min(len(later), max(most // 2, most - len(earlier)))
    before = min(len(earlier), most - after)
    more = len(earlier) > before or _is_more(log, reference, earlier[-1].position - 1)
    events = [*reversed(earlier[:before]), *later[:after]]
    beyond = len(later) > after or _is_more(log, reference, upto, events[-1].position)
    return Events(events, before - 1, more, beyond)


def steps_of(
    log: Log, reference: State, around: Events, load: Callable[[State, int], State] | None = None
) -> Steps:
    """The changes that each of these events made, by one fold over them. Raises `UnreadableEvent`.

    The state before the first is loaded by `load`, which may cost as much as all events before it.
    """
    events, compiled = around.events, state_type(type(reference))
    if around.before:
        assert load is not None
        state = compiled.copy(load(reference, events[0].position - 1))
    else:
        state = compiled.empty(reference)
    flat = Flat(type(reference))
    flat.take(state)
    base, find = flat.leaves, Together(log, {event.commit for event in events})
    steps: list[Step] = []
    leaves, chosen = base, state
    for index, event in enumerate(events):
        compiled.fold(state, (event,), find)
        steps.append(Step(event, find(event.commit), flat.take(state)))
        if index == around.chosen:
            leaves, chosen = flat.leaves, compiled.copy(state)
    return Steps(base, steps, around.chosen, leaves, flat.leaves, chosen)


def most_steps(state: State, most: int) -> int:
    """How many steps of a state as large as this one are compared, at least one."""
    now = plain(state)
    cost = len(encoded(now)) + LEAF * size(now)
    return max(1, min(most, COMPARED // (cost + 1)))


def _within(events: Iterable[RecordedEvent]) -> list[RecordedEvent]:
    """The events, as long as they are not too large together."""
    found: list[RecordedEvent] = []
    size = 0
    for event in events:
        size += len(event.data)
        if found and size > READ:
            break
        found.append(event)
    return found


def _is_more(log: Log, reference: State, upto: int, after: int = 0) -> bool:
    return upto > after and bool(
        next(iter(log.read(reference.query(), after=after, upto=upto, limit=1)), None)
    )
