"""Server-sent events: how a value is written as one, which every server of them does alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from backstory.history.compare.jsonable import shown
from backstory.store import Record

MEDIA_TYPE = "text/event-stream"

APART = 0.05
"""Seconds between two sends to a client: what changes meanwhile is sent once."""

BEAT = 15.0
"""Seconds of silence after which a comment says that the stream is alive."""

HERE = ": here\n\n"
"""The comment."""

HEADERS: Mapping[str, str] = {"cache-control": "no-cache", "x-accel-buffering": "no"}
"""No proxy keeps what is sent, or waits for more of it."""


def told(value: Any) -> Any:
    """A value as it is sent: a state, rows, or an event with its type and position. Marked values are masked."""
    if isinstance(value, Record):
        return {"type": value.type, "position": value.position, "data": shown(value.event)}
    return list(map(told, value)) if isinstance(value, list) else shown(value)


def data(value: Any, shown: Callable[[Any], Any] = told) -> str:
    """The event that has a value as JSON."""
    return f"data: {msgspec.json.encode(shown(value)).decode()}\n\n"


def identified(event: str, id: str) -> str:
    """An event with the id that a client names when it comes back."""
    return f"id: {id}\n{event}"
