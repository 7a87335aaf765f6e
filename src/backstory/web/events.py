"""The events of a commit: a window of them, each as its fields or as JSON, and the whole of one as a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from backstory.lookup import event_at
from backstory.values.commit import DATA, MESSAGE
from backstory.values.masking import masked_data
from backstory.web.ask import Ask, BadParameter, NotFound
from backstory.web.page import Attached
from backstory.web.shown import CUT, TEXT

if TYPE_CHECKING:
    from backstory.history.refs.revision import Point
    from backstory.store import Log
    from backstory.values.commit import Commit
    from backstory.values.event_data import RecordedEvent

EVENTS = 50
"""Events of a commit on a page."""

FIELDS = 100
"""Fields of an event that are listed."""

Window: TypeAlias = "tuple[int, list[RecordedEvent]]"
"""Events of a commit, and the number of the first of them."""


def window_of(ask: Ask, point: Point, commit: Commit, log: Log) -> Window:
    """The events that are shown, and the number of the first one: those that are asked for, or around the position."""
    asked = ask.number("events")
    if asked is None:
        inside = point.position - commit.first if point.exact else 0
        asked = inside // EVENTS * EVENTS + 1
    if not 1 <= asked <= commit.size:
        raise BadParameter(f"events is the number of an event, from 1 to {commit.size:,}, not {asked}")
    begin = commit.first + asked - 2
    return asked, list(log.read(after=begin, upto=min(commit.position, begin + EVENTS)))


def event_shown(ask: Ask, commit: Commit, event: RecordedEvent) -> Mapping[str, Any]:
    """An event as its fields, or as JSON."""
    number = event.position - commit.first + 1
    shown: dict[str, Any] = {
        "event": event, "proof": ask.url("c", commit.position, proof=number),
        "file": ask.url("c", commit.position, whole=number) if len(event.data) > CUT else "",
        "fields": (), "left": 0, "json": "", "gone": False,
    }  # fmt: skip
    if DATA + number - 1 in commit.withheld or not event.data:
        return shown | {"gone": True}
    data = masked_data(event)
    decoded = msgspec.json.decode(data)
    if ask.flag("json") or not isinstance(decoded, dict):
        text = msgspec.json.format(data, indent=2).decode()
        return shown | {"json": text[:TEXT], "left": max(0, len(text) - TEXT)}
    return shown | {"fields": list(decoded.items())[:FIELDS], "left": max(0, len(decoded) - FIELDS)}


def whole_of(commit: Commit, log: Log, part: str) -> Attached:
    """The whole message, or the whole data of the event of this number, as a file. Raises `NotFound`."""
    name = f"commit-{commit.position}-{part}"
    if part == "message" and MESSAGE not in commit.withheld:
        return Attached(f"{name}.txt", commit.message)
    number = int(part) if part.isascii() and part.isdecimal() and len(part) < 10 else 0
    if 1 <= number <= commit.size and DATA + number - 1 not in commit.withheld:
        event = event_at(log, commit.first + number - 1)
        if event is not None:
            return Attached(f"{name}.json.txt", msgspec.json.format(masked_data(event), indent=2).decode())
    raise NotFound(f"there is no {part[:60]!r} that you may see: whole is message, or the number of an event")
