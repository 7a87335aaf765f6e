"""How large an event and a commit may be, so that every store can take them."""

from __future__ import annotations

from collections.abc import Sequence

from backstory.errors import InvalidEvent
from backstory.values.event_data import EventData

EVENT_LIMIT = 256 << 20
"""The most that an event may hold, in bytes of data and characters of its type and tags: 256 MiB."""

COMMIT_LIMIT = 512 << 20
"""The most that a commit may hold: its events with its message, metadata, command and query, 512 MiB. Every store
takes a commit of this size in one call."""


def check_size(events: Sequence[EventData], said: Sequence[bytes]) -> None:
    """Refuse an event or a commit that a store could not take. `said` are the parts of the commit."""
    total = sum(map(len, said))
    for event in events:
        total += len(event.type) + len("".join(event.tags))
    if total <= EVENT_LIMIT:
        return
    for event in events:
        size = len(event.type) + sum(map(len, event.tags)) + len(event.data)
        if size > EVENT_LIMIT:
            raise InvalidEvent(
                f"{event.type}: the event has {size:,} bytes, and an event may have {EVENT_LIMIT:,}; keep large content"
                " in a file, and its place and hash in the event"
            )
    if total > COMMIT_LIMIT:
        raise InvalidEvent(
            f"the commit has {total:,} bytes, and a commit may have {COMMIT_LIMIT:,}; append its events in several"
            " commits"
        )
