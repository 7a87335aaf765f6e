"""Counts of a log, in one pass: types, tags, authors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime

import msgspec

from backstory.store import Log

Progress = Callable[[int], None]


class TypeCount(msgspec.Struct):
    """An event type in one version: the number of events, and the positions of the first and the last."""

    type: str
    version: int
    events: int
    first: int
    last: int


class TagCount(msgspec.Struct):
    """A tag: the number of its events, and the positions of the first and the last."""

    tag: str
    events: int
    first: int
    last: int


class KeyCount(msgspec.Struct):
    """A key of tags: how many different tags have it, and how often such a tag stands at an event."""

    key: str
    tags: int
    events: int


class Stats(msgspec.Struct):
    """The amount of history.

    `authors` counts the commits of each, most first, and `unsigned` those that name nobody; `since` and `until` are the
    log's times, None if it is empty.
    """

    commits: int
    events: int
    types: int
    tags: int
    authors: dict[str, int]
    unsigned: int
    since: datetime | None
    until: datetime | None


def types(log: Log, progress: Progress | None = None) -> list[TypeCount]:
    """Every type and version, sorted. Memory is that of the result."""
    found: dict[tuple[str, int], TypeCount] = {}
    for event in log.read():
        kind = (event.type, event.version)
        count = found.get(kind)
        if count is None:
            count = found[kind] = TypeCount(*kind, 0, event.position, event.position)
        count.events += 1
        count.last = event.position
        if progress is not None:
            progress(event.position)
    return [found[kind] for kind in sorted(found)]


def tags(log: Log, key: str | None = None, progress: Progress | None = None) -> list[TagCount]:
    """Every tag, or those of one key, the most used first. Memory is that of the different tags."""
    found: dict[str, TagCount] = {}
    for event in log.read():
        for tag in event.tags:
            if key in (None, tag.partition(":")[0]):
                count = found.get(tag)
                if count is None:
                    count = found[tag] = TagCount(tag, 0, event.position, event.position)
                count.events += 1
                count.last = event.position
        if progress is not None:
            progress(event.position)
    return sorted(found.values(), key=lambda count: (-count.events, count.tag))


def keys(log: Log, progress: Progress | None = None) -> list[KeyCount]:
    """Every key of tags, sorted. Memory is that of the different tags."""
    found: dict[str, KeyCount] = {}
    seen: set[str] = set()
    for event in log.read():
        for tag in event.tags:
            key = tag.partition(":")[0]
            count = found.get(key)
            if count is None:
                count = found[key] = KeyCount(key, 0, 0)
            count.events += 1
            if tag not in seen:
                seen.add(tag)
                count.tags += 1
        if progress is not None:
            progress(event.position)
    return [found[key] for key in sorted(found)]


def stats(log: Log, progress: Progress | None = None) -> Stats:
    """The counts of everything. Memory is that of the different tags and authors."""
    commits = 0
    authors: Counter[str] = Counter()
    since = until = None
    head = log.head().position
    for commit in log.commits(upto=head):
        commits += 1
        authors[commit.author] += 1
        since, until = since or commit.time, commit.time
    seen_types: set[str] = set()
    seen_tags: set[str] = set()
    events = 0
    for event in log.read(upto=head):
        events += 1
        seen_types.add(event.type)
        seen_tags.update(event.tags)
        if progress is not None:
            progress(event.position)
    unsigned = authors.pop("", 0)
    return Stats(
        commits,
        events,
        len(seen_types),
        len(seen_tags),
        dict(authors.most_common()),
        unsigned,
        since,
        until,
    )
