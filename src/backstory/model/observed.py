"""The summary of what a store has seen: which command gave which events, how often and when last; types and versions.

It is counted once, and kept among the caches of the store with the place that it was counted to. Later calls go on from
there, so their cost is that of the new events; so does a call after one that was stopped. A summary of a history that
has moved is thrown away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice

import msgspec

from backstory.errors import StoreError
from backstory.lookup import commit_at
from backstory.model.elements import Observed, ObservedEdge, ObservedType
from backstory.store import Caches, Log
from backstory.values.commit import Commit, Head
from backstory.values.event_data import RecordedEvent

PREFIX = "observed/"
"""The names of summaries in the caches, before that of the branch."""

FORMAT = 1

NAME = re.compile(rb'\{"name":"([^"\\]*)"')
"""How a recorded command begins."""

CHUNK = 5_000
"""Events that are looked at between two words about the progress."""


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
    """Count the commits and events after the summary's position; give the position now and then."""
    events = iter(log.read(after=summary.position, upto=head.position))
    told, counted = summary.position + CHUNK, None
    try:
        for commit in log.commits(after=summary.position, upto=head.position):
            _count(summary, commit, list(islice(events, commit.size)))
            counted = commit
            if commit.position >= told:
                told = commit.position + CHUNK
                yield commit.position
    finally:
        if counted is not None:
            summary.position, summary.hash = counted.position, counted.hash.hex()


def _count(summary: Summary, commit: Commit, events: list[RecordedEvent]) -> None:
    """Count a commit with its events."""
    command, time = _command_of(commit), commit.time
    edges = summary.edges.get(command)
    if edges is None:
        edges = summary.edges[command] = {}
    for event in events:
        kind, position = event.type, event.position
        versions = summary.types.get(kind)
        if versions is None:
            versions = summary.types[kind] = {}
        count = versions.get(event.version)
        if count is None:
            count = versions[event.version] = ObservedType(kind, event.version, 0, position, position)
        count.events += 1
        count.last = position
        edge = edges.get(kind)
        if edge is None:
            edge = edges[kind] = ObservedEdge(command, kind, 0, position, time)
        edge.events += 1
        edge.last, edge.last_time = position, time


def _command_of(commit: Commit) -> str:
    """The name of the command that made a commit; empty if none did, or if it is withheld."""
    recorded = commit.command_json
    if not recorded:
        return ""
    found = NAME.match(recorded)
    if found is not None:
        return found[1].decode(errors="replace")
    try:
        return str(msgspec.json.decode(recorded, type=Named).name)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""


class Named(msgspec.Struct):
    """A recorded command, but for its arguments."""

    name: str = ""
