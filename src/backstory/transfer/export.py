"""Writing history out: every commit as a line of Backstory's own, or every event as a CloudEvent."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from backstory.lookup import commit_at
from backstory.store import ALL, Log
from backstory.transfer.formats.cloudevents import event_line
from backstory.transfer.formats.own import FORMAT, Header, commit_line
from backstory.transfer.source import Progress, no_progress
from backstory.transfer.stretch import beginning, going_on, with_events
from backstory.values.event_data import RESERVED
from backstory.values.query import Query


def own_lines(
    log: Log, *, after: int = 0, upto: int | None = None, progress: Progress = no_progress
) -> Iterator[bytes]:
    """Lines of Backstory's own format, for the commits that end after `after` and not beyond `upto`.

    Imported into a log that ends where `after` says, they give the same commits with the same hashes. If a batch that
    goes in only as a whole goes on beyond `after`, they begin with its first commit.
    """
    last = next(log.commits(after=after, upto=upto, backwards=True, limit=1), None)
    if last is None:
        yield _line(msgspec.json.encode(Header(FORMAT, after)))
        return
    begin = beginning(log, commit_at(log, after + 1).first - 1, last.position)
    yield _line(msgspec.json.encode(Header(FORMAT, begin, last.position, last.hash.hex())))
    more = iter(going_on(log, begin, last.position))
    joint = next(more, 0)
    for commit, events in with_events(log, begin, last.position):
        yield _line(commit_line(commit, events, more=commit.position == joint))
        if commit.position == joint:
            joint = next(more, 0)
        progress("writing", commit.position, last.position)


def cloudevent_lines(
    log: Log,
    *,
    source: str = "backstory",
    query: Query = ALL,
    after: int = 0,
    upto: int | None = None,
    progress: Progress = no_progress,
) -> Iterator[bytes]:
    """Lines of CloudEvents 1.0, for the events that match and whose commits are in the range.

    Events of Backstory's own, as those of deadlines, mean nothing elsewhere, and no import takes them: they are left
    out unless the query names their type.
    """
    named = {type for clause in query.clauses for type in clause.types}
    last = log.head().position if upto is None else upto
    for commit, events in with_events(log, after, last):
        for event in events:
            if query.matches(event) and (event.type in named or not event.type.startswith(RESERVED)):
                yield _line(event_line(commit, event, source))
        progress("writing", commit.position, last)


def _line(json: bytes) -> bytes:
    return json + b"\n"
