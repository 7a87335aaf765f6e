"""Decisions in a scenario, with inputs that are the same in each run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple

import msgspec

from backstory.decide.call import Command
from backstory.decide.mistaken import need_untouched
from backstory.decide.state import State
from backstory.errors import Refused
from backstory.testing.history import History, as_time, committed
from backstory.values.codec import PLAIN
from backstory.values.event_data import EventData
from backstory.values.event_types import event_type


class Refusal(msgspec.Struct, frozen=True):
    """A refusal, in the place of events."""

    code: str
    details: dict[str, Any]


class Around(NamedTuple):
    """The givens of a decision: author, time (default: that of the commit before), the seed of chance, and new ids."""

    author: str = ""
    time: datetime | str | None = None
    seed: int = 0
    ids: Iterator[int] = count(1)

    def drawn(self, command: Command, past: History) -> Command:
        """The command with its inputs. Raises `MissingInput`."""
        return command.drawn(Drawing(as_time(self.time) or past.head.time, self.ids, self.seed), self.author)


class Drawing(NamedTuple):
    """Where a scenario draws inputs from: new ids are `new-1`, `new-2`."""

    time: datetime
    ids: Iterator[int]
    chance: int

    def now(self) -> datetime:
        """The time of the decision."""
        return self.time

    def new_id(self) -> str:
        """The next id."""
        return f"new-{next(self.ids)}"

    def seed(self) -> int:
        """The seed of the scenario."""
        return self.chance


class Outcome(NamedTuple):
    """The events of a decision as a log would give them back, or the refusal; and the states that it read."""

    events: list[Any]
    refused: Refused | None
    read: list[State]

    @property
    def told(self) -> list[Any]:
        """The events or the refusal, to be compared."""
        if self.refused is None:
            return self.events
        return [Refusal(self.refused.code, self.refused.details)]


def decided(command: Command, past: History) -> Outcome:
    """One decision of a command, whose inputs are drawn. Raises `Broken`, and the command's own errors."""
    read: list[State] = []
    loaded: list[State] = []

    def load(stage: list[State]) -> list[State]:
        states = [past.load(state) for state in stage]
        read.extend(stage)
        loaded.extend(states)
        return states

    try:
        arguments = command.gathered(load)
        events = command.decide(arguments)
    except Refused as refused:
        return Outcome([], refused, read)
    if not events:
        need_untouched(command, arguments, loaded)
    return Outcome(list(map(stored, events)), None, read)


def after(outcome: Outcome, past: History, around: Around) -> History:
    """The history with a decision."""
    if not outcome.events:
        return past
    return past.extended(committed(*outcome.events, author=around.author, time=around.time))


def stored(event: Any) -> Any:
    """An event as a log would give it back. Raises `InvalidEvent` if none could hold it."""
    encoded = PLAIN.encode(event)
    return (
        PLAIN.decode(encoded) if isinstance(event, EventData) else event_type(type(event)).load(encoded.data)
    )
