"""Search: a position, a hash or a tag goes there at once; else messages, data, tags and marks, newest first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from backstory.documents import document
from backstory.documents.commits import commit_document, event_document
from backstory.errors import BackstoryError
from backstory.history.ask.grep import data_text, grep_messages
from backstory.history.refs.revision import commits_named
from backstory.subject import Subjects
from backstory.values.masking import masked_data
from backstory.values.query import Query
from backstory.web.ask import Ask, BadParameter
from backstory.web.entities import entity, is_there, is_whole, parts_of
from backstory.web.page import Answer, Elsewhere, Pace, Page, Progress, soon

if TYPE_CHECKING:
    from backstory.history.refs.branches import Mark
    from backstory.store import Log
    from backstory.values.commit import Commit
    from backstory.values.event_data import RecordedEvent

PLACES = ("messages", "data", "tags", "marks")
"""Where is searched; `in` names one of them."""

SHOWN, MORE = 5, 100
"""Answers of each kind that are shown together, and of one kind alone."""

MOST = 10_000
"""Answers of a kind that are counted, and different tags that are kept."""

CHUNK = 2_000
"""Positions that are looked at together, from the newest on."""

LONGEST = 1_000
"""Characters that can be searched for."""

DEEPEST = 20
"""How deep a field may lie that is named."""

AROUND = 60
"""Characters of a value before and after what was found in it."""

HASH = 8
"""The least hex digits that are looked up as a hash."""

Parts = Sequence[tuple[str, bool]]
"""A text in parts, each with whether it is what was searched for."""


class Found(msgspec.Struct):
    """All that was found so far, the newest first. Counts stop at `MOST`."""

    messages: list[Commit] = []
    data: list[RecordedEvent] = []
    counts: dict[str, int] = {}
    tags: dict[str, list[int]] = {}
    """Each tag with its number of events, and the position of the last."""
    marks: list[Mark] = []


def page(ask: Ask) -> Answer:
    """What was searched for, or the place where it is."""
    text = ask.one("q").strip()
    place = ask.one("in")
    if place and place not in PLACES:
        raise BadParameter(f"in is one of {', '.join(PLACES)}, not {place[:60]!r}")
    if len(text) > LONGEST:
        raise BadParameter(f"at most {LONGEST:,} characters can be searched for; these are {len(text):,}")
    if not text:
        return _page(ask, text, Found(), 0, 0)
    if not place and (there := _there(ask, text)) is not None:
        return Elsewhere(there)
    return soon(f"Search: {text}", _steps(ask, text, (place,) if place else PLACES))


def _there(ask: Ask, text: str) -> str | None:
    """The address of the position, the hash, the id or the tag that a text is; None if there is none."""
    number = text.removeprefix("#")
    if number != text and number.isascii() and number.isdecimal() and len(number) < 19:
        return ask.url("c", number) if 0 < int(number) <= _head(ask) else None
    db, chain = ask.db, ask.point.chain
    named = commits_named(db.branches, text, chain) if len(text) >= HASH and text.isprintable() else {}
    if any(commit.id == text for commit in named):
        return ask.url("c", "h", next(commit.hash.hex() for commit in named if commit.id == text))
    if named and re.fullmatch("[0-9a-fA-F]{8,64}", text):
        return ask.url("c", "h", text.lower())
    if ":" in text:
        with suppress(BackstoryError):  # it is no tag, or none that the reader may ask about
            found = db.handle.line(chain).log.read(Query.of(tags=[text]), upto=ask.position, limit=1)
            return ask.url("e", text) if any(True for _ in found) else None
    with suppress(BackstoryError):  # it names no state of the application
        parts = parts_of(text)
        if len(parts) > 1 and is_whole(ask, parts) and is_there(ask, one := entity(ask, parts)):
            return one.url(ask)
    return None


def _head(ask: Ask) -> int:
    return ask.db.handle.line(ask.point.chain).log.head().position


def _steps(ask: Ask, text: str, places: Sequence[str]) -> Iterator[Progress | Page]:
    """How far it is, and then what was found: some positions at a time, from the newest on."""
    pattern, in_json = _pattern(text), _pattern(text, as_json=True)
    log, pace, found = ask.db.handle.line(ask.point.chain).log, Pace(), Found()
    upto, end = ask.position, min(ask.number("after", 0) or 0, ask.position)
    if "marks" in places:
        found.marks = [mark for mark in ask.db.branches.marks() if _in_mark(pattern, mark)]
        found.counts["marks"] = len(found.marks)
    position = upto
    while position > end and set(places) != {"marks"}:
        begin = max(end, position - CHUNK)
        _look(log, (pattern, in_json), places, begin, position, found)
        position = begin
        if position > end and pace.due():
            counted = sum(found.counts.values()) + len(found.tags)
            yield Progress(upto - position, upto - end, counted, ask.here(after=position))
    yield _page(ask, text, found, upto, end)


def _pattern(text: str, *, as_json: bool = False) -> re.Pattern[str]:
    """The text itself, in either case; in JSON it may also stand with its quotes escaped."""
    escaped = msgspec.json.encode(text).decode()[1:-1]
    either = [text, escaped] if as_json and escaped != text else [text]
    return re.compile("|".join(map(re.escape, either)), re.IGNORECASE)


def _in_mark(pattern: re.Pattern[str], mark: Mark) -> bool:
    return bool(pattern.search(mark.name) or pattern.search(mark.message))


def _look(
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


def _page(ask: Ask, text: str, found: Found, upto: int, after: int) -> Page:
    place = ask.one("in")
    counts = {name: found.counts.get(name, 0) for name in PLACES} | {"tags": len(found.tags)}
    log = ask.db.handle.line(ask.point.chain).log
    subjects, most = Subjects(log), MORE if place else SHOWN
    tags = sorted(found.tags.items(), key=lambda each: -each[1][1])
    values = {
        "text": text,
        "place": place,
        "places": [(name, name.capitalize(), counts[name]) for name in PLACES],
        "total": sum(counts.values()),
        "counts": counts,
        "upto": upto,
        "head": _head(ask),
        "is_position": text[:1] == "#" and text[1:].isdecimal(),
        "after": after,
        "messages": [
            {
                "commit": commit,
                "parts": _parts(text, _line(commit, text, subjects.of(commit))),
                **_about(log, commit),
            }
            for commit in found.messages[:most]
        ],
        "data": [_in_data(log, text, event) for event in found.data[:most]],
        "tags": [
            {"tag": tag, "parts": _parts(text, tag), "count": count, "last": last}
            for tag, (count, last) in tags[:most]
        ],
        "marks": [
            {"mark": mark, "parts": _parts(text, mark.name), "words": _parts(text, mark.message)}
            for mark in found.marks[:most]
        ],
    }
    return Page(
        "search.html", f"Search: {text}" if text else "Search", _document(ask, text, found, counts, subjects),
        _command(ask, text, place), values,
    )  # fmt: skip


def _document(
    ask: Ask, text: str, found: Found, counts: Mapping[str, int], subjects: Subjects
) -> Mapping[str, Any]:
    """That of `grep` where messages or data alone are searched; else all that was found."""
    commits = [commit_document(commit, subjects.of(commit)) for commit in found.messages]
    events = list(map(event_document, found.data))
    match ask.one("in"):
        case "messages":
            return document("commits", commits=commits)
        case "data":
            return document("events", events=events)
    tags = [
        {"tag": tag, "events": count, "last": last} for tag, (count, last) in islice(found.tags.items(), MORE)
    ]
    marks = [{"name": mark.name, "position": mark.position, "message": mark.message} for mark in found.marks]
    return document(
        "search", text=text, counts=counts, commits=commits, events=events, tags=tags, marks=marks
    )


def _command(ask: Ask, text: str, place: str) -> tuple[str, ...]:
    """The command line that finds the same in messages, or in data."""
    if not text or place in ("tags", "marks"):
        return ()
    at = (f"#{ask.position}",) if ask.is_past else ()
    pattern = re.escape(text).replace("\\ ", " ")
    data = ("--data",) if place == "data" else ()
    return ("grep", "-i", pattern, *at, *data, *(("--app",) if data else ()))


def _about(log: Log, commit: Commit) -> Mapping[str, Any]:
    """The types and tags of the first events of a commit."""
    events = list(log.read(after=commit.first - 1, upto=commit.position, limit=4))
    return {
        "types": list(dict.fromkeys(event.type for event in events))[:2],
        "tags": list(dict.fromkeys(tag for event in events for tag in event.tags))[:2],
    }


def _line(commit: Commit, text: str, subject: str) -> str:
    """The line of a message that has the text; else the subject."""
    wanted = text.casefold()
    return next((line for line in commit.message.splitlines() if wanted in line.casefold()), subject)


def _in_data(log: Log, text: str, event: RecordedEvent) -> Mapping[str, Any]:
    """The first field of an event in which the text is, and the text with its surroundings."""
    pattern = _pattern(text)
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
        "parts": _parts(text, words),
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


def _parts(text: str, words: str) -> Parts:
    """A text around the first place of what was searched for, in parts; those that are it are marked."""
    pattern = _pattern(text)
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
