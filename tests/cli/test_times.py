"""Times as people write and read them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from backstory.cli import UsageError
from backstory.cli.times import human, parsed, short

NOW = datetime(2026, 11, 20, 9, 30, 15, tzinfo=UTC)


def test_a_time_is_understood_as_in_a_revision() -> None:
    assert parsed("2 hours ago", NOW) == NOW - timedelta(hours=2)


def test_what_is_no_time_says_what_is() -> None:
    with pytest.raises(UsageError, match="'soon' is not understood: it is no time"):
        parsed("soon", NOW)


def test_times_are_shown_in_the_local_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    assert human(datetime(2026, 11, 3, 13, 2, 11, tzinfo=UTC)) == "Tue Nov 3 14:02:11 2026 +0100"
    assert short(datetime(2026, 7, 3, 13, 2, tzinfo=UTC)) == "2026-07-03 15:02"
