"""Small events and drafts for the suite: as few words as the sentence of a test needs."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from backstory.store import Log, append
from backstory.values.commit import Commit, Draft, draft
from backstory.values.event_data import EventData, RecordedEvent, encoded
from backstory.values.query import Condition, Query

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""When the drafts of the suite were decided, unless they say otherwise."""

FAR = 200
"""More events than a store may look through one by one: events beyond them must be found by an index."""

_numbers = itertools.count(1)


def fact(type: str = "Happened", *tags: str, data: bytes = b"{}", version: int = 1) -> EventData:
    """An event in stored form."""
    return encoded(type, data, tags, version)


def decided(
    *events: EventData,
    id: str | None = None,
    at: float = 0,
    query: Query | None = None,
    after: int = 0,
    author: str = "",
    message: str = "",
    command: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    secret: bytes | None = None,
) -> Draft:
    """A draft of these events, or of one; `at` is in seconds after `START`, `query` and `after` are its condition."""
    return draft(
        events or (fact(),),
        id=f"commit-{next(_numbers)}" if id is None else id,
        time=START + timedelta(seconds=at),
        condition=None if query is None else Condition(query, after),
        author=author,
        message=message,
        command=command,
        metadata=metadata,
        secret=secret,
    )


def fill(log: Log, count: int = FAR) -> None:
    """Append that many events which no query of the suite asks for, in two commits."""
    half = [fact("Filler", f"filler:{number}") for number in range(count // 2)]
    append(log, decided(*half), decided(*half))


def one(log: Log, *events: EventData) -> Commit:
    """Append one commit of these events, and return it."""
    [commit] = append(log, decided(*events))
    return commit


def positions(events: Iterable[RecordedEvent | Commit]) -> list[int]:
    """Their positions."""
    return [event.position for event in events]


def ids(commits: Iterable[Commit]) -> list[str]:
    """Their ids."""
    return [commit.id for commit in commits]
