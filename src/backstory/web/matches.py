"""A find as a page shows it: the part of a text around the first match, with the matches marked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from backstory.history.ask.grep import data_text
from backstory.values.masking import masked_data
from backstory.web.looking import pattern_of

if TYPE_CHECKING:
    from backstory.store import Log
    from backstory.values.commit import Commit
    from backstory.values.event_data import RecordedEvent

DEEPEST = 20
"""How deep a field may lie to be named."""

AROUND = 60
"""Characters of a value before and after what was found in it."""

Parts = Sequence[tuple[str, bool]]
"""A text in parts, each with whether it is what was searched for."""


def about(log: Log, commit: Commit) -> Mapping[str, Any]:
    """The types and tags of the first events of a commit."""
    events = list(log.read(after=commit.first - 1, upto=commit.position, limit=4))
    return {
        "types": list(dict.fromkeys(event.type for event in events))[:2],
        "tags": list(dict.fromkeys(tag for event in events for tag in event.tags))[:2],
    }


def line_with(commit: Commit, text: str, subject: str) -> str:
    """The line of a message that has the text; else the subject."""
    wanted = text.casefold()
    return next((line for line in commit.message.splitlines() if wanted in line.casefold()), subject)


def in_data(log: Log, text: str, event: RecordedEvent) -> Mapping[str, Any]:
    """The first field of an event in which the text is, and the text with its surroundings."""
    pattern = pattern_of(text)
    path, words = next(
        (
            (path, value)
            for path, value in _leaves("", msgspec.json.decode(masked_data(event)))
            if pattern.search(value)
        ),
        ("", data_text(event)),
    )
    [commit] = log.commits_at([event.position])
    return {
        "event": event,
        "author": commit.author,
        "time": commit.authored,
        "field": path,
        "parts": parts_around(text, words),
    }


def _leaves(path: str, value: Any, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Each part of a value that has no parts, as text, with its path; what lies too deep is given as JSON."""
    if isinstance(value, str):
        yield path, value
    elif not value or not isinstance(value, dict | list) or depth == DEEPEST:
        yield path, msgspec.json.encode(value).decode()
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _leaves(f"{path}.{name}" if path else name, part, depth + 1)
    else:
        for index, part in enumerate(value):
            yield from _leaves(f"{path}[{index}]", part, depth + 1)


def parts_around(text: str, words: str) -> Parts:
    """A text around the first place of what was searched for, in parts; those that are it are marked."""
    pattern = pattern_of(text)
    first = pattern.search(words) if text else None
    if first is None:
        return [(words[: 2 * AROUND] + ("…" if len(words) > 2 * AROUND else ""), False)]
    begin, end = max(0, first.start() - AROUND), min(len(words), first.end() + AROUND)
    shown = words[begin:end]
    parts: list[tuple[str, bool]] = [("…", False)] if begin else []
    last = 0
    for match in pattern.finditer(shown):
        parts += [(shown[last : match.start()], False), (match[0], True)]
        last = match.end()
    parts.append((shown[last:] + ("…" if end < len(words) else ""), False))
    return [part for part in parts if part[0]]
