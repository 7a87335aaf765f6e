"""The events of main that come next for one reaction: read ahead, some hundred at a time, and opened one by one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection

from backstory.projections.applying import decoded
from backstory.projections.source import Source
from backstory.reactions.deadlines import OWN
from backstory.store import Record
from backstory.values.codec import Codec
from backstory.values.commit import ORIGIN, Commit
from backstory.values.event_data import RecordedEvent

AHEAD = 200
"""Events that are read at a time."""


class Ahead:
    """Events that were read and are not over. Behind them, up to `end`, the log has no others of these types."""

    def __init__(self, source: Source, types: Collection[str]) -> None:
        self.events: deque[RecordedEvent] = deque()
        self.end = ORIGIN
        self.find: Callable[[int], Commit] = source.finder(())
        self._source = source
        self._types = types

    def read(self, after: int) -> None:
        """Read on; if none is left, behind this position."""
        after = self.events[-1].position if self.events else after
        stretch = self._source.after(after, self._types, AHEAD)
        self.events.extend(stretch.records)
        self.end = stretch.end
        self.find = self._source.finder(stretch.records)


def opened(stored: RecordedEvent, codec: Codec, find: Callable[[int], Commit]) -> Record:
    """An event as an object. Raises `FailedError` if the code at hand cannot read it."""
    if stored.type in OWN:  # with any classes in the codec
        return Record(OWN[stored.type].read(stored), stored, find)
    [(_, event)] = decoded(None, [stored], codec)
    return Record(event, stored, find)
