"""Slices of the three kinds of event modeling, in the order of time."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from graphlib import CycleError, TopologicalSorter

from backstory.model.elements import Command, Event, Id, Projection, Reaction, RowTable, Slice, State

LAST = "\U0010ffff", 0
"""The place of what has none: behind all others."""


def slices(
    events: Sequence[Event],
    commands: Sequence[Command],
    states: Sequence[State],
    projections: Sequence[Projection],
    reactions: Sequence[Reaction],
    tables: Sequence[RowTable] = (),
    kept: Collection[Id] = (),
) -> list[Slice]:
    """All slices, in the order of time: commands as their first events are defined, which people do in that order.

    States that are `kept` as the table of a projection are views by that projection, and not once more by themselves.
    """
    places = {event.id: (event.place.file, event.place.line) for event in events if event.place is not None}
    found = sorted(
        map(_change, commands), key=lambda one: min((places.get(id, LAST) for id in one.events), default=LAST)
    )
    found += map(table_slice, tables)
    found += [_view(one.id, one.name, one.events) for one in projections]
    deciding = {read.state for command in commands for read in command.reads}
    reacting = {state for one in reactions for state in one.reads}
    seen = deciding | reacting | set(kept)
    found += [_view(one.id, one.name, one.events or []) for one in states if one.id not in seen]
    found += [_automation(one) for one in reactions]
    return _in_time(found)


def _change(one: Command) -> Slice:
    return Slice(
        id=f"slice:{one.id}",
        kind="change",
        title=words(one.name),
        commands=[one.id],
        events=[each.event for each in one.gives],
        reads=sorted({each.state for each in one.reads}),
        automations=[],
        scenarios=len(one.scenarios),
    )


def _view(id: Id, name: str, events: Iterable[Id]) -> Slice:
    return Slice(
        id=f"slice:{id}",
        kind="view",
        title=words(name),
        commands=[],
        events=list(events),
        reads=[id],
        automations=[],
        scenarios=0,
    )


def _automation(one: Reaction) -> Slice:
    return Slice(
        id=f"slice:{one.id}",
        kind="automation",
        title=words(one.name),
        commands=one.gives,
        events=one.events,
        reads=one.reads,
        automations=[one.id],
        scenarios=0,
    )


def table_slice(one: RowTable) -> Slice:
    """The slice of a table of rows."""
    return Slice(
        id=f"slice:{one.id}",
        kind="table",
        title=words(one.name),
        commands=[],
        events=one.events,
        reads=[one.id],
        automations=[],
        scenarios=0,
    )


def words(name: str) -> str:
    """A name of code in words: `OpenOrders` and `open_orders` are `open orders`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ").lower()


def _in_time(found: Sequence[Slice]) -> list[Slice]:
    """Each after those that give what it takes; where they go round in a circle, in the order in which they came."""
    gives: dict[Id, set[int]] = {}
    needs: dict[Id, set[int]] = {}
    for number, one in enumerate(found):
        for id in one.events if one.kind in ("change", "table") else one.commands:
            gives.setdefault(id, set()).add(number)
        for id in one.commands if one.kind in ("change", "table") else one.events:
            needs.setdefault(id, set()).add(number)
    after: dict[int, set[int]] = {number: set() for number in range(len(found))}
    for id, takers in needs.items():
        for taker in takers:
            after[taker] |= gives.get(id, set()) - {taker}
    return [found[number] for number in _sorted(after)]


def _sorted(after: dict[int, set[int]]) -> list[int]:
    while True:
        try:
            return _levels(TopologicalSorter(after))
        except CycleError as circle:
            last, first = circle.args[1][-2:]
            after[first].discard(last)


def _levels(order: TopologicalSorter[int]) -> list[int]:
    found: list[int] = []
    order.prepare()
    while order.is_active():
        ready = sorted(order.get_ready())
        found += ready
        order.done(*ready)
    return found
