"""A log whose events pass by in their order: to look for events that have not come then costs nothing.

Nearly every state that a decision reads is remembered as of its last event, so nearly every look at the log finds
nothing; a store would be asked for each decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from backstory.store import ALL, Log
from backstory.stores.guarded import SameCommits
from backstory.stores.tail import MOST, Seen
from backstory.values.event_data import RecordedEvent
from backstory.values.query import Query


class Passed:
    """The last positions of the tags and types of events that passed by, of the latest so many."""

    def __init__(self, start: int) -> None:
        self._seen = Seen(start, start)

    def saw(self, events: Iterable[RecordedEvent], upto: int) -> None:
        """Note the next events of the log: all that there are up to a position."""
        seen = self._seen
        for event in events:
            seen.types[event.type] = event.position
            for tag in event.tags:
                seen.tags[tag] = event.position
        seen.sure = upto
        if len(seen.tags) > MOST:
            self._seen = Seen(upto, upto)

    def rules_out(self, query: Query, after: int, upto: int | None) -> bool:
        """Whether certainly no event with `after < position <= upto` matches."""
        return upto is not None and upto <= self._seen.sure and self._seen.rules_out(query, after)


class PassingLog(SameCommits):
    """The log. Somebody who streams it tells `passed` what has come."""

    def __init__(self, log: Log, start: int) -> None:
        super().__init__(log)
        self.passed = Passed(start)
        self._log = log
        self.append = log.append
        self.counts = log.counts

    def read(
        self,
        query: Query = ALL,
        *,
        after: int = 0,
        upto: int | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Iterator[RecordedEvent]:
        """Stream the events that match; see `Log.read`."""
        if self.passed.rules_out(query, after, upto):
            return iter(())
        return self._log.read(query, after=after, upto=upto, backwards=backwards, limit=limit)
