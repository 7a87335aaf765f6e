"""Times as people say them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from backstory.errors import UnknownRevision
from backstory.history.refs.parse_time import parse_time

NOW = datetime(2026, 11, 20, 9, 30, 15, tzinfo=UTC)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """UTC is the local zone."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-03", datetime(2026, 11, 3, tzinfo=UTC)),
        (" 2026-11-03 14:05 ", datetime(2026, 11, 3, 14, 5, tzinfo=UTC)),
        ("2026-11-03T14:05:06.5Z", datetime(2026, 11, 3, 14, 5, 6, 500_000, tzinfo=UTC)),
        ("2026-11-03T14:05+02:00", datetime(2026, 11, 3, 12, 5, tzinfo=UTC)),
        ("now", NOW),
        ("Today", datetime(2026, 11, 20, tzinfo=UTC)),
        ("yesterday", datetime(2026, 11, 19, tzinfo=UTC)),
        ("2 hours ago", NOW - timedelta(hours=2)),
        ("1  week ago", NOW - timedelta(weeks=1)),
        ("90 minutes", NOW - timedelta(minutes=90)),
    ],
)
def test_it_is_understood(text: str, expected: datetime) -> None:
    assert parse_time(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "9999999999 weeks ago", "0001"])
def test_what_is_no_time_says_what_is(text: str) -> None:
    with pytest.raises(UnknownRevision, match="it is"):
        parse_time(text, NOW)


def test_a_date_in_the_other_half_of_the_year_has_the_offset_of_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    assert parse_time("2026-07-01", NOW) == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert parse_time("2026-12-01", NOW) == datetime(2026, 11, 30, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    "zone",
    [
        "Europe/Amsterdam",
        "America/New_York",
        "Australia/Lord_Howe",  # half an hour
        "America/Santiago",  # at midnight
        "America/Havana",  # midnight comes twice
        "Africa/Casablanca",  # for Ramadan
        "Asia/Kathmandu",
        "UTC",
    ],
)
@pytest.mark.parametrize("hour", [0, 10, 23])
def test_today_and_yesterday_begin_at_the_first_moment_of_the_local_day(
    monkeypatch: pytest.MonkeyPatch, zone: str, hour: int
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    for number in range(365):
        day = date(2026, 1, 1) + timedelta(days=number)
        now = datetime(day.year, day.month, day.day, hour, 59, tzinfo=ZoneInfo(zone)).astimezone(UTC)
        for word, wanted in (("today", day), ("yesterday", day - timedelta(days=1))):
            found = parse_time(word, now)
            before = (found - timedelta(microseconds=1)).astimezone(ZoneInfo(zone))
            assert (found.date(), before.date()) == (wanted, wanted - timedelta(days=1)), (word, day)
            assert found == parse_time(wanted.isoformat(), now)


def test_yesterday_of_the_first_day_of_the_calendar_is_too_long_ago() -> None:
    with pytest.raises(UnknownRevision, match="it is too long ago"):
        parse_time("yesterday", datetime(1, 1, 1, 12, tzinfo=UTC))
