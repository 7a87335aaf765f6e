"""How much an event and a commit may hold."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from backstory.errors import InvalidEvent
from backstory.values import limits
from backstory.values.commit import Draft, draft
from backstory.values.event_data import EventData
from backstory.values.query import Condition, Query


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "EVENT_LIMIT", 100)
    monkeypatch.setattr(limits, "COMMIT_LIMIT", 150)


def event(size: int) -> EventData:
    """An event of so many bytes."""
    return EventData("Made", 1, ("a:1",), b"x" * (size - 7))


def drafted(*events: EventData, query: Query | None = None, message: str = "") -> Draft:
    condition = None if query is None else Condition(query)
    return draft(events, id="1", time=datetime(2026, 1, 1, tzinfo=UTC), condition=condition, message=message)


def test_an_event_that_is_too_large_is_refused_with_its_type_and_size() -> None:
    drafted(event(100))
    with pytest.raises(InvalidEvent, match=r"Made: the event has 101 bytes, and an event may have 100"):
        drafted(event(10), event(101))


def test_a_commit_that_is_too_large_is_refused_whatever_it_is_that_is_large() -> None:
    drafted(event(100), event(50))
    with pytest.raises(InvalidEvent, match=r"the commit has 151 bytes, and a commit may have 150"):
        drafted(event(100), event(51))
    with pytest.raises(InvalidEvent, match=r"the commit has 151 bytes"):
        drafted(event(100), message="x" * 51)
    with pytest.raises(InvalidEvent, match=r"the commit has \d+ bytes"):
        drafted(event(100), query=Query.of(["T" * 30], ["a:" + "b" * 30]))
