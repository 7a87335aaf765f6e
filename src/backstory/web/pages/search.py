"""Search: a position, a hash or a tag goes there at once; else messages, data, tags and marks, newest first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

from backstory.documents import document
from backstory.documents.commits import commit_document, event_document
from backstory.errors import BackstoryError
from backstory.history.refs.revision import commits_named
from backstory.subject import Subjects
from backstory.values.query import Query
from backstory.web.ask import Ask, BadParameter
from backstory.web.entities import entity, is_there, is_whole, log_of, parts_of
from backstory.web.looking import MORE, PLACES, Found, in_mark, look, pattern_of
from backstory.web.matches import about, in_data, line_with, parts_around
from backstory.web.page import Answer, Elsewhere, Pace, Page, Progress, soon

CHUNK = 2_000
"""Positions that are looked at together, from the newest on."""

SHOWN = 5
"""Answers of each kind that are shown together; of one kind alone, all that are kept."""

LONGEST = 1_000
"""Characters that can be searched for."""

HASH = 8
"""The least hex digits that are looked up as a hash."""


def page(ask: Ask) -> Answer:
    """The text that was searched for, or the place where it is."""
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
            found = log_of(ask).read(Query.of(tags=[text]), upto=ask.position, limit=1)
            return ask.url("e", text) if any(True for _ in found) else None
    with suppress(BackstoryError):  # it names no state of the application
        parts = parts_of(text)
        if len(parts) > 1 and is_whole(ask, parts) and is_there(ask, one := entity(ask, parts)):
            return one.url(ask)
    return None


def _head(ask: Ask) -> int:
    return log_of(ask).head().position


def _steps(ask: Ask, text: str, places: Sequence[str]) -> Iterator[Progress | Page]:
    """How far it is, and then what was found: some positions at a time, from the newest on."""
    pattern, in_json = pattern_of(text), pattern_of(text, as_json=True)
    log, pace, found = log_of(ask), Pace(), Found()
    upto, end = ask.position, min(ask.number("after", 0) or 0, ask.position)
    if "marks" in places:
        found.marks = [mark for mark in ask.db.branches.marks() if in_mark(pattern, mark)]
        found.counts["marks"] = len(found.marks)
    position = upto
    while position > end and set(places) != {"marks"}:
        begin = max(end, position - CHUNK)
        look(log, (pattern, in_json), places, begin, position, found)
        position = begin
        if position > end and pace.due():
            counted = sum(found.counts.values()) + len(found.tags)
            yield Progress(upto - position, upto - end, counted, ask.here(after=position))
    yield _page(ask, text, found, upto, end)


def _page(ask: Ask, text: str, found: Found, upto: int, after: int) -> Page:
    place = ask.one("in")
    counts = {name: found.counts.get(name, 0) for name in PLACES} | {"tags": len(found.tags)}
    log = log_of(ask)
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
                "parts": parts_around(text, line_with(commit, text, subjects.of(commit))),
                **about(log, commit),
            }
            for commit in found.messages[:most]
        ],
        "data": [in_data(log, text, event) for event in found.data[:most]],
        "tags": [
            {"tag": tag, "parts": parts_around(text, tag), "count": count, "last": last}
            for tag, (count, last) in tags[:most]
        ],
        "marks": [
            {"mark": mark, "parts": parts_around(text, mark.name), "words": parts_around(text, mark.message)}
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
