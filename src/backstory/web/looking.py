"""Looking for a text in messages, data, tags and marks, some positions at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from backstory.history.ask.grep import data_text, grep_messages

if TYPE_CHECKING:
    from backstory.history.refs.branches import Mark
    from backstory.store import Log
    from backstory.values.commit import Commit
    from backstory.values.event_data import RecordedEvent

PLACES = ("messages", "data", "tags", "marks")
"""The places that are searched; `in` names one of them."""

MORE = 100
"""Answers of a kind that are kept."""

MOST = 10_000
"""Different tags that are kept."""


class Found(msgspec.Struct):
    """All that was found so far, the newest first: all is counted, and `MORE` of a kind are kept."""

    messages: list[Commit] = []
    data: list[RecordedEvent] = []
    counts: dict[str, int] = {}
    tags: dict[str, list[int]] = {}
    """Each tag with its number of events, and the position of the last."""
    marks: list[Mark] = []


def pattern_of(text: str, *, as_json: bool = False) -> re.Pattern[str]:
    """The text itself, in either case; in JSON it may also stand with its quotes escaped."""
    escaped = msgspec.json.encode(text).decode()[1:-1]
    either = [text, escaped] if as_json and escaped != text else [text]
    return re.compile("|".join(map(re.escape, either)), re.IGNORECASE)


def in_mark(pattern: re.Pattern[str], mark: Mark) -> bool:
    return bool(pattern.search(mark.name) or pattern.search(mark.message))


def look(
    log: Log,
    patterns: tuple[re.Pattern[str], re.Pattern[str]],
    places: Sequence[str],
    begin: int,
    end: int,
    found: Found,
) -> None:
    """Search some positions, for one pattern in texts and another one in JSON."""
    pattern, in_json = patterns
    if "messages" in places:
        for commit in grep_messages(log, pattern, begin, end, backwards=True):
            _take(found, "messages", found.messages, commit)
    if "data" not in places and "tags" not in places:
        return
    for event in log.read(after=begin, upto=end, backwards=True):
        if "data" in places and in_json.search(data_text(event)):
            _take(found, "data", found.data, event)
        if "tags" not in places:
            continue
        for tag in event.tags:
            if tag in found.tags:
                found.tags[tag][0] += 1
            elif pattern.search(tag) and len(found.tags) < MOST:
                found.tags[tag] = [1, event.position]


def _take(found: Found, name: str, kept: list[Any], one: object) -> None:
    """Count one more, and keep it if it may be shown."""
    count = found.counts.get(name, 0)
    if count < MORE:
        kept.append(one)
    found.counts[name] = count + 1
