"""A ticket that nobody takes for some hours comes before all others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from backstory import Cancel, Deadline, Due, Policy, Process, Step, Tag, react
from examples.helpdesk.events import Opened, Solved, Taken
from examples.helpdesk.ticket import Ticket, escalate

PATIENCE = timedelta(hours=4)


class Escalation(Process):
    policy = Policy(since="start")
    ticket: Tag[str]

    def apply(self, event: Opened | Taken | Solved) -> None:
        """The deadline says all that there is to know."""

    @react
    def opened(self, event: Opened) -> Iterator[Step]:
        yield Deadline("late", after=PATIENCE)

    @react
    def taken(self, event: Taken | Solved) -> Iterator[Step]:
        yield Cancel("late")

    @react
    def late(self, due: Due) -> Iterator[Step]:
        yield escalate(Ticket(self.ticket))
