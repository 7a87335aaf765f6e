"""Commands that give an event without the look that others take before they give it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from backstory.model.elements import Command, Event, Id, Model, State


class Unguarded(msgspec.Struct, frozen=True):
    """A command gives an event, and does not read the state on which `deciders` decide whether to give it."""

    command: Id
    state: Id
    event: Id
    deciders: list[Id]


def unguarded(model: Model) -> Iterator[Unguarded]:
    """Each of them. Its decision is not protected by what the others decide about the same thing.

    Only states that each such event is about count: its tags are always there. A command that looks at another such
    state, of its own, sees the event as well as the others do.
    """
    events = {event.id: event for event in model.events}
    about: dict[Id, list[State]] = {}
    for state in model.states:
        for id in state.events or ():
            if _always(events[id], state):
                about.setdefault(id, []).append(state)
    all_givers: dict[Id, list[Command]] = {}
    for command in model.commands:
        for id in {each.event for each in command.gives}:
            all_givers.setdefault(id, []).append(command)
    for event, states in sorted(about.items()):
        givers = all_givers.get(event, [])
        blind = [one for one in givers if not any(_looks(one, state) for state in states)]
        for state in states if blind else ():
            deciders = [one.id for one in givers if one.refuses and _looks(one, state)]
            for one in blind if deciders else ():
                if all(read.state != state.id for read in one.reads):
                    yield Unguarded(one.id, state.id, event, deciders)


def _always(event: Event, state: State) -> bool:
    """Whether each such event says which state it is about."""
    tags = {field.tag for field in event.fields if field.tag and field.required}
    return bool(state.identity) and {field.tag for field in state.identity} <= tags


def _looks(command: Command, state: State) -> bool:
    """Whether a command looks at more of a state than its identity."""
    identity = {field.name for field in state.identity}
    return any(
        read.uses is None or not set(read.uses) <= identity
        for read in command.reads
        if read.state == state.id
    )
