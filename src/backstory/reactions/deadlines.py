"""Deadlines: events of the log that say when something is due, and the command that says that it is.

A deadline belongs to a process, by its name there. It is set, and set again, cancelled, or due. The boundary of each of
these decisions is the deadline itself, so it is due once, and never after it was cancelled, whoever runs it and
whatever their clocks say.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from backstory.decide.call import Command
from backstory.decide.commands import command
from backstory.decide.state import State
from backstory.reactions.declare import Reacting
from backstory.store import Record
from backstory.values.event import Event
from backstory.values.event_data import RESERVED
from backstory.values.event_types import event_type
from backstory.values.fields import Tagged
from backstory.values.ids import DEADLINE as DEADLINE_ID
from backstory.values.ids import derived, new_id
from backstory.values.query import Query

if TYPE_CHECKING:
    from backstory.projections.source import Source

TOGETHER = 100
"""Deadlines that are due in one unit."""

DEADLINE, PROCESS = f"{RESERVED}deadline", f"{RESERVED}process"
"""The keys of the tags of a deadline, and of all those of one process."""


class DeadlineSet(Event, name=f"{RESERVED}deadline-set"):
    """Something is due at a time, unless it is cancelled or set again. `of` is the identity of the process."""

    deadline: Annotated[str, Tagged(DEADLINE)]
    process: Annotated[str, Tagged(PROCESS)]
    name: str
    of: dict[str, Any]
    due: datetime


class DeadlineCancelled(Event, name=f"{RESERVED}deadline-cancelled"):
    """It is not due any more."""

    deadline: Annotated[str, Tagged(DEADLINE)]
    process: Annotated[str, Tagged(PROCESS)]


class DeadlineDue(Event, name=f"{RESERVED}deadline-due"):
    """Its time has come."""

    deadline: Annotated[str, Tagged(DEADLINE)]
    process: Annotated[str, Tagged(PROCESS)]
    name: str
    of: dict[str, Any]
    due: datetime


OWN = {kind.name: kind for kind in map(event_type, (DeadlineSet, DeadlineCancelled, DeadlineDue))}
"""The library's own events, by name: an application does not have them."""

DUE = event_type(DeadlineDue).name


class Timer(State):
    """One deadline: the time that was set last, if it is still to come."""

    deadline: Annotated[str, Tagged(DEADLINE)]
    set: DeadlineSet | None = None
    position: int = 0

    def apply(self, event: DeadlineSet | DeadlineCancelled | DeadlineDue, record: Record) -> None:
        """Follow one deadline."""
        self.set = event if isinstance(event, DeadlineSet) else None
        self.position = record.position


def deadline_key(process: str, of: dict[str, Any], name: str) -> str:
    """The identity of a deadline, as a text: its process, the identity of that, and its name."""
    return msgspec.json.encode([process, of, name], order="sorted").decode()


@command(name=f"{RESERVED}set_deadline")
def set_deadline(
    timer: Timer, process: str, of: dict[str, Any], name: str, due: datetime
) -> Iterator[DeadlineSet]:
    """Set it, or set it again; nothing, if it is due at that time already."""
    if timer.set is None or timer.set.due != due:
        yield DeadlineSet(timer.deadline, process, name, of, due)


@command(name=f"{RESERVED}cancel_deadline")
def cancel_deadline(timer: Timer, process: str) -> Iterator[DeadlineCancelled]:
    """Cancel it; nothing, if it is not to come."""
    if timer.set is not None:
        yield DeadlineCancelled(timer.deadline, process)


@command(name=f"{RESERVED}come_due")
def come_due(timer: Timer, position: int) -> Iterator[DeadlineDue]:
    """Its time has come; nothing, if it was cancelled or set again since it was set at this position."""
    was = timer.set
    if was is not None and timer.position == position:
        yield DeadlineDue(was.deadline, was.process, was.name, was.of, was.due)


class Deadlines:
    """The deadlines of one process that are to come, as its runner follows them: a fold of main, in memory."""

    def __init__(self, reacting: Reacting) -> None:
        self._query = Query.of(OWN, (f"{PROCESS}:{reacting.name}",))
        self._position = 0
        self._set: dict[str, tuple[int, DeadlineSet]] = {}
        self._queue: list[tuple[datetime, int, str]] = []

    def __len__(self) -> int:
        return len(self._set)

    def follow(self, source: Source) -> None:
        """Take in what was set, cancelled or due since."""
        log = source.log()
        head = log.head().position
        if head == self._position:
            return
        for stored in log.read(self._query, after=self._position, upto=head):
            event = OWN[stored.type].read(stored)
            if isinstance(event, DeadlineSet):
                self._set[event.deadline] = stored.position, event
                heapq.heappush(self._queue, (event.due, stored.position, event.deadline))
            else:
                self._set.pop(event.deadline, None)
        self._position = head

    def _first(self) -> tuple[datetime, int, str] | None:
        while self._queue:
            first = self._queue[0]
            if self._set.get(first[2], (0, None))[0] == first[1]:
                return first
            heapq.heappop(self._queue)
        return None

    def due(self, now: datetime) -> list[tuple[Command, str, int]]:
        """Commands for some that are due, the first ones first, each with an id and the position where it was set."""
        found: list[tuple[datetime, int, str]] = []
        while len(found) < TOGETHER and (first := self._first()) is not None and first[0] <= now:
            found.append(heapq.heappop(self._queue))
        for each in found:
            heapq.heappush(self._queue, each)  # until the log says that it was due
        return [
            (come_due(Timer(deadline), position=position), derived(DEADLINE_ID, new_id()), position)
            for _, position, deadline in found
        ]

    def seconds_left(self, now: datetime) -> float:
        """Seconds until the next one is due."""
        first = self._first()
        return float("inf") if first is None else max(0.0, (first[0] - now).total_seconds())

    def overdue(self, now: datetime) -> int:
        """How many are due by now."""
        return sum(event.due <= now for _, event in self._set.values())
