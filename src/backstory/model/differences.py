"""Where the code of an application and its store differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backstory.model.elements import Command, Difference, Event, Observed
from backstory.rows.kinds import row_event
from backstory.values.event_data import RESERVED


def differences(
    commands: Sequence[Command], events: Sequence[Event], observed: Observed | None
) -> list[Difference]:
    """All of them; none where no store was looked at."""
    if observed is None:
        return []
    return [*_types(events, observed), *_edges(commands, observed)]


def _types(events: Sequence[Event], observed: Observed) -> Iterator[Difference]:
    known = {event.name: event.version for event in events}
    for each in observed.types:
        version = known.get(each.type)
        if version is None:
            if not each.type.startswith(RESERVED) and row_event(each.type) is None:
                says = f"{each.events:,} in the store, up to #{each.last}, and no class here has this name"
                yield Difference("unknown-type", "", each.type, says)
        elif each.version > version:
            says = (
                f"{each.events:,} in the store have version {each.version}, up to #{each.last}, and the class has"
                f" version {version}"
            )
            yield Difference("unknown-version", "", each.type, says)


def _edges(commands: Sequence[Command], observed: Observed) -> Iterator[Difference]:
    declared: dict[str, set[str]] = {}
    anything: set[str] = set()
    for command in commands:
        declared.setdefault(command.name, set()).update(
            each.event.partition(":")[2] for each in command.gives
        )
        if command.gives_any:
            anything.add(command.name)
    told: set[str] = set()
    for edge in observed.edges:
        if not edge.command or edge.command.startswith(RESERVED):
            continue
        if edge.command not in declared:
            if edge.command not in told:
                told.add(edge.command)
                says = f"has decided in the store, the last time at #{edge.last}, and no command here has this name"
                yield Difference("unknown-command", edge.command, "", says)
        elif edge.event not in declared[edge.command] and edge.command not in anything:
            says = f"gave it {edge.events:,} times, the last time at #{edge.last}, and does not declare it"
            yield Difference("undeclared", edge.command, edge.event, says)
    seen = {(edge.command, edge.event) for edge in observed.edges}
    for name, gives in declared.items():
        for event in sorted(gives):
            if (name, event) not in seen:
                yield Difference("never-observed", name, event, "never gave it in this store")
