"""Work that new events would start: reactions and processes, and of processes, whose steps are pure, also the steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from backstory.decide.call import Command
from backstory.decide.execution import Preview
from backstory.decide.state import State
from backstory.errors import DecisionError
from backstory.failing import failure
from backstory.reactions.declare import Delivery, Reacting
from backstory.reactions.delivery import delivery_key
from backstory.reactions.process import AnyReaction, ProcessType, reacting
from backstory.store import Record


class Start(msgspec.Struct, frozen=True):
    """A reaction or a process that an event starts.

    `steps` are the commands of a process, also those of the library that set and cancel deadlines; of a reaction, which
    may do what cannot be taken back, nothing is known. `wrong` is the error of a process that failed.
    """

    name: str
    is_process: bool
    record: Record
    steps: tuple[Command, ...] = ()
    wrong: str = ""


class Tried(msgspec.Struct, frozen=True):
    """A command that was tried on a history up to `at`: its preview, its events, and what these would start."""

    command: Command
    at: int
    preview: Preview[Any]
    records: list[Record]
    starts: list[Start]


def starts(
    records: Iterable[Record], reactions: Iterable[AnyReaction], load: Callable[[State, int], State]
) -> list[Start]:
    """The reactions and processes that events start, in their order; `load` fills a state as of a position."""
    every = [reacting(each) for each in reactions]
    return [
        _start(each, record, load)
        for record in records
        for each in every
        if record.type in each.types and each.concerns(record.event)
    ]


def _start(each: Reacting, record: Record, load: Callable[[State, int], State]) -> Start:
    if not isinstance(each, ProcessType):
        return Start(each.name, False, record)
    try:
        references = each.references(record.event)
        states = {name: load(state, record.position) for name, state in references.items()}
        delivery = Delivery(delivery_key(each.name, record.commit, record.position), 1, record)
        return Start(each.name, True, record, tuple(each.run(record.event, states, delivery, _waits)))
    except Exception as wrong:  # noqa: BLE001 - of the application's code
        return Start(each.name, True, record, wrong=failure(wrong))


def _waits(_: Any) -> Any:
    raise DecisionError("a process waits for nothing")
