"""A log for readers of data: its events are opened by a codec. Code that copies a history does not use it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from backstory.store import ALL, Log
from backstory.stores.guarded import SameCommits
from backstory.values.codec import Codec
from backstory.values.event_data import RecordedEvent
from backstory.values.query import Query


def opened(log: Log, codec: Codec) -> Log:
    """The same log, read through a codec; the log itself where that changes nothing."""
    return OpenedLog(log, codec) if codec.transformations else log


class OpenedLog(SameCommits):
    """A log whose events are opened as they are read. Events that are appended to it are sealed already."""

    def __init__(self, log: Log, codec: Codec) -> None:
        super().__init__(log)
        self._log = log
        self._codec = codec
        self.append = log.append
        self.counts = log.counts

    def read(self, query: Query = ALL, **bounds: Any) -> Iterator[RecordedEvent]:
        """Stream the events that match; see `Log.read`."""
        return self._codec.opened(self._log.read(query, **bounds))
