"""Visitors of the branches."""

from __future__ import annotations

from backstory import Event, Refused, State, Tag, command


class VisitorsCounted(Event, name="library.visitors_counted"):
    branch: Tag[str]
    number: int


class DoorOpened(Event, name="library.door_opened"):
    branch: Tag[str]
    by: str


class Visits(State):
    branch: Tag[str]
    number: int = 0
    last: str = ""

    def apply(self, event: VisitorsCounted) -> None:
        self.number += event.number


@command
def count_visitors(visits: Visits, number: int) -> VisitorsCounted:
    if number < 1:
        raise Refused("nobody came", code="nobody")
    if visits.number + number > 1_000_000:
        raise Refused("so many never came", code="too-many")
    return VisitorsCounted(visits.branch, number)
