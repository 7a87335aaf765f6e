"""Streams of events that several indexes, or several parts of a query, give for one read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import merge
from operator import attrgetter

from backstory.values.event_data import RecordedEvent

by_position = attrgetter("position")


def merged(streams: Sequence[Iterator[RecordedEvent]], *, backwards: bool) -> Iterator[RecordedEvent]:
    """The events of ordered streams as one: in order of position, each once."""
    if len(streams) == 1:
        return streams[0]
    return _each_once(merge(*streams, key=by_position, reverse=backwards))


def _each_once(events: Iterator[RecordedEvent]) -> Iterator[RecordedEvent]:
    last = 0
    for event in events:
        if event.position != last:
            last = event.position
            yield event
