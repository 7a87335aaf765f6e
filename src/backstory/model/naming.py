"""The ids of elements: kind and name, and the module before a name that two elements of a kind have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from backstory.application import Application
from backstory.decide.commands import CommandType
from backstory.decide.state import State
from backstory.model.elements import Id
from backstory.projections.projection import instance
from backstory.reactions.process import Process, reacting
from backstory.values.event_types import EventType, event_type


class Names:
    """Ids of the elements of one application."""

    def __init__(self, app: Application) -> None:
        self.types = frozenset(kind.name for kind in app.events)
        """The stable names of its events."""
        self._commands = Counter(command.name for command in app.commands)
        self._states = Counter(cls.__name__ for cls in app.states)

    def event(self, event: EventType | type[Any] | str) -> Id:
        """The id of an event, by its class or its stable name."""
        if isinstance(event, type):
            event = event_type(event)
        return f"event:{event if isinstance(event, str) else event.name}"

    def events(self, events: Iterable[EventType | type[Any] | str]) -> list[Id]:
        """Ids of events, sorted, each once."""
        return sorted({self.event(each) for each in events})

    def command(self, command: CommandType[...]) -> Id:
        """The id of a command."""
        name = command.name if self._commands[command.name] < 2 else f"{command.__module__}.{command.name}"
        return f"command:{name}"

    def recorded_command(self, name: str, module: str) -> Id:
        """The id of a command that something has recorded."""
        return f"command:{name}" if self._commands[name] < 2 else f"command:{module}.{name}"

    def state(self, cls: type[State]) -> Id:
        """The id of a state; a process is a reaction."""
        if issubclass(cls, Process):
            return f"reaction:{reacting(cls).name}"
        name = cls.__name__ if self._states[cls.__name__] < 2 else f"{cls.__module__}.{cls.__name__}"
        return f"state:{name}"

    def projection(self, projection: Any) -> Id:
        """The id of a projection."""
        return f"projection:{instance(projection).name}"

    def reaction(self, reaction: Any) -> Id:
        """The id of a reaction or a process."""
        return f"reaction:{reacting(reaction).name}"
