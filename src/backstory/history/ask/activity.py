"""How many events a log got over time: the last hour, day or year in equal parts, without reading the events."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import msgspec

from backstory.history.refs.as_of import last_before
from backstory.store import Log

SPANS = (
    timedelta(hours=1), timedelta(hours=6), timedelta(days=1), timedelta(days=7), timedelta(days=30),
    timedelta(days=365), timedelta(days=3_650),
)  # fmt: skip
"""The lengths of time that are shown; the first one is taken that has enough events, or all of them."""

ENOUGH = 100
"""Events of which a picture says something."""

PARTS = 60
"""The equal parts of the time."""


class Activity(msgspec.Struct, frozen=True):
    """The events of a log in the equal parts of a time that ends at `end`; the last part is the latest."""

    start: datetime
    end: datetime
    counts: tuple[int, ...]

    @property
    def part(self) -> timedelta:
        """The length of a part."""
        return (self.end - self.start) / len(self.counts)

    @property
    def peak(self) -> datetime:
        """The beginning of the part with the most events; the latest of them."""
        most = max(self.counts)
        last = len(self.counts) - 1 - self.counts[::-1].index(most)
        return self.start + self.part * last


def activity(log: Log, end: datetime) -> Activity | None:
    """The events of a log over the time before `end`; None if there are none.

    By halving, from times to positions: about 60 times the logarithm of the events, however many they are.
    """
    head = log.head()
    if not head.position:
        return None
    span = next(
        (span for span in SPANS[:-1] if head.position - last_before(log, end - span) >= ENOUGH), SPANS[-1]
    )
    start = end - span
    marks = [last_before(log, start + span * (part / PARTS)) for part in range(PARTS)] + [head.position]
    return Activity(start, end, tuple(after - before for before, after in pairwise(marks)))
