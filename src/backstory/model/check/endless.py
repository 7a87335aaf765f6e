"""BM007: reactions that can trigger themselves, alone or in a circle, with nothing on the way that ends it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from backstory.model.check.findings import Finding
from backstory.model.elements import Command, Id, Model, Reaction


def endless(model: Model) -> Iterator[Finding]:
    """Each reaction that stands on a circle, with the way around it."""
    commands = {command.id: command for command in model.commands}
    identities = {state.id: {field.name for field in state.identity} for state in model.states}
    guards = {command.id for command in model.commands if _may_stop(command, identities)}
    next_events: dict[Id, list[tuple[Reaction, Command, Id]]] = {}
    for reaction in model.reactions:
        for step in reaction.steps:
            command = commands.get(step.command)
            if command is not None and command.id not in guards and not step.guarded:
                for given in command.gives:
                    next_events.setdefault(step.event, []).append((reaction, command, given.event))
    told: set[Id] = set()
    for event in next_events:
        for way in _circles(event, next_events):
            reaction = way[0][0]
            if reaction.id not in told:
                told.update(each.id for each, _, _ in way)
                yield Finding("BM007", reaction.id, reaction.place, _words(event, way))


Way = list[tuple[Reaction, Command, Id]]


def _circles(start: Id, next_events: dict[Id, Way]) -> Iterator[Way]:
    """The shortest way from an event back to it, if there is one."""
    ways: list[tuple[Id, Way]] = [(start, [])]
    seen: set[Id] = set()
    while ways:
        event, way = ways.pop(0)
        for step in next_events.get(event, ()):
            if step[2] == start:
                yield [*way, step]
                return
            if step[2] not in seen:
                seen.add(step[2])
                ways.append((step[2], [*way, step]))


def _may_stop(command: Command, identities: Mapping[Id, set[str]]) -> bool:
    """Whether a command may refuse, or give nothing, by what a state says."""
    if not command.refuses and not command.may_give_nothing:
        return False
    return any(
        read.uses is None or not set(read.uses) <= identities.get(read.state, set()) for read in command.reads
    )


def _words(event: Id, way: Way) -> str:
    steps = [
        f"{reaction.name} gives {command.name}, which gives {_name(given)}"
        for reaction, command, given in way
    ]
    return f"on {_name(event)}, {', on which '.join(steps)}"


def _name(id: Id) -> str:
    return id.partition(":")[2]
