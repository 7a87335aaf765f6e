"""The summary of what a store has seen: which command gave which events, how often and when last; types and versions.

It is counted once, and kept among the caches of the store with the place that it was counted to. Later calls go on from
there, so their cost is that of the new events; so does a call after one that was stopped. A summary of a history that
has moved is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

import msgspec

from backstory.errors import StoreError
from backstory.lookup import commit_at
from backstory.model.elements import Observed, ObservedEdge, ObservedType
from backstory.store import Caches, Log
from backstory.values.commit import Head
from backstory.values.event_data import EventCount

PREFIX = "observed/"
"""The names of summaries in the caches, before that of the branch."""

FORMAT = 1

CHUNK = 5_000
"""Events that are counted in one step: some milliseconds. Between two steps a count can be stopped."""


class Summary(msgspec.Struct):
    """The summary as it is kept: the counts, and the point of history that they go to."""

    position: int = 0
    hash: str = ""
    edges: dict[str, dict[str, ObservedEdge]] = {}
    types: dict[str, dict[int, ObservedType]] = {}
    format: int = FORMAT


def observed(
    log: Log, caches: Caches | None, branch: str, progress: Callable[[int], None] | None = None
) -> Observed:
    """The summary of a branch, up to its head. With caches, only events since the last time are read.

    `log` is the stored one or the opened one: data is not looked at. Nothing is kept where caches cannot be written.
    """
    for step in observing(log, caches, branch):
        if isinstance(step, Observed):
            return step
        if progress is not None:
            progress(step)
    raise AssertionError("it ends with what was seen")


def observing(log: Log, caches: Caches | None, branch: str) -> Iterator[int | Observed]:
    """The same, step by step: the positions that it has come to, and in the end what was seen."""
    head = log.head()
    summary = _kept(log, caches, branch, head)
    if summary.position < head.position:
        try:
            yield from _catch_up(summary, log, head)
        finally:
            if caches is not None and summary.position:
                with suppress(StoreError, OSError):
                    caches.set(PREFIX + branch, msgspec.json.encode(summary))
    edges = [edge for command in sorted(summary.edges) for _, edge in sorted(summary.edges[command].items())]
    types = [one for name in sorted(summary.types) for _, one in sorted(summary.types[name].items())]
    yield Observed(branch, head.position, edges, types)


def _kept(log: Log, caches: Caches | None, branch: str, head: Head) -> Summary:
    """The summary that is kept, if it is of this history."""
    text = None if caches is None else caches.get(PREFIX + branch)
    if text is None:
        return Summary()
    try:
        summary = msgspec.json.decode(text, type=Summary)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Summary()
    if summary.format != FORMAT or not 0 < summary.position <= head.position:
        return Summary()
    commit = commit_at(log, summary.position)
    return summary if (commit.position, commit.hash.hex()) == (summary.position, summary.hash) else Summary()


def _catch_up(summary: Summary, log: Log, head: Head) -> Iterator[int]:
    """Count what came after the summary's position; give the position that it has come to."""
    while summary.position < head.position:
        after = summary.position
        end = commit_at(log, min(after + CHUNK, head.position))
        counts = log.counts(after=after, upto=end.position)
        summary.position = 0  # it is of no point of history while it is changed
        for count in counts:
            _add(summary, count)
        summary.position, summary.hash = end.position, end.hash.hex()
        yield end.position


def _add(summary: Summary, count: EventCount) -> None:
    """Add the count of later events, or of others at the same place."""
    kind = summary.types.setdefault(count.type, {}).setdefault(
        count.version, ObservedType(count.type, count.version, 0, count.first, count.last)
    )
    kind.events += count.events
    kind.first, kind.last = min(kind.first, count.first), max(kind.last, count.last)
    edge = summary.edges.setdefault(count.command, {}).setdefault(
        count.type, ObservedEdge(count.command, count.type, 0, count.last, count.time)
    )
    edge.events += count.events
    if count.last > edge.last:
        edge.last, edge.last_time = count.last, count.time
