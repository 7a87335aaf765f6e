"""A customer who does not pay is reminded after some days, and the order is cancelled after some more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from backstory import Cancel, Deadline, Due, Policy, Process, Step, Tag, react
from examples.shop.events import Paid, Placed
from examples.shop.order import Order, cancel, remind

REMIND, GIVE_UP = timedelta(days=3), timedelta(days=7)


class Unpaid(Process):
    policy = Policy(since="start")
    order: Tag[str]

    def apply(self, event: Placed | Paid) -> None:
        """The deadlines say all that there is to know."""

    @react
    def placed(self, event: Placed) -> Iterator[Step]:
        yield Deadline("reminder", after=REMIND)
        yield Deadline("end", after=GIVE_UP)

    @react
    def paid(self, event: Paid) -> Iterator[Step]:
        yield Cancel("reminder")
        yield Cancel("end")

    @react
    def reminder(self, due: Due) -> Iterator[Step]:
        """Refused while a card is being charged, which is an answer, too."""
        yield remind(Order(self.order))

    @react
    def end(self, due: Due) -> Iterator[Step]:
        yield cancel(Order(self.order), reason="nobody has paid")
