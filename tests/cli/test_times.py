"""Times as people write them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from backstory.cli import UsageError
from backstory.cli.times import human, parsed, short

NOW = datetime(2026, 11, 20, 9, 30, 15, tzinfo=UTC)


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
    assert parsed(text, NOW) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-13-01", "3 fortnights ago", "9999999999 weeks ago", "0001"]
)
def test_what_is_no_time_says_what_is(text: str) -> None:
    with pytest.raises(UsageError, match="is no time: write 2026-11-03"):
        parsed(text, NOW)


def test_a_date_in_the_other_half_of_the_year_has_the_offset_of_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    assert parsed("2026-07-01", NOW) == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert parsed("2026-12-01", NOW) == datetime(2026, 11, 30, 23, tzinfo=UTC)


def test_times_are_shown_in_the_local_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    assert human(datetime(2026, 11, 3, 13, 2, 11, tzinfo=UTC)) == "Tue Nov 3 14:02:11 2026 +0100"
    assert short(datetime(2026, 7, 3, 13, 2, tzinfo=UTC)) == "2026-07-03 15:02"
