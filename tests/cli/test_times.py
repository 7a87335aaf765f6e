"""Times as people write and read them."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from backstory.cli.exits import UsageError
from backstory.cli.parse.times import parsed
from backstory.cli.show.times import human, short
from backstory.store import append
from backstory.stores.sqlite import SqliteStore
from backstory.values.commit import content_hash, draft
from tests.cli.conftest import Run, day, fact

NOW = datetime(2026, 11, 20, 9, 30, 15, tzinfo=UTC)


def test_a_time_is_understood_as_in_a_revision() -> None:
    assert parsed("2 hours ago", NOW) == NOW - timedelta(hours=2)


def test_what_is_no_time_says_what_is() -> None:
    with pytest.raises(UsageError, match="'soon' is not understood: it is not a time"):
        parsed("soon", NOW)


FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)


@pytest.mark.parametrize(("zone", "moment"), [("Asia/Tokyo", LAST), ("America/New_York", FIRST)])
def test_a_time_is_shown_in_utc_where_the_calendar_ends_before_the_zone(
    monkeypatch: pytest.MonkeyPatch, zone: str, moment: datetime
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    assert human(moment).endswith("+0000")
    assert short(moment).endswith(f"{moment:-%m-%d %H:%M}")


@pytest.mark.usefixtures("bank")
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_the_ends_of_the_calendar_are_times_to_ask_for(
    run: Run, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    for since, until in (("0001-01-01", "9999-12-31T23:59"), ("0001-01-01T00:00Z", "9999-12-31T23:00-12:00")):
        assert len(run("log", "--since", since, "--until", until, "--ndjson").ndjson) == 4
    assert run("log", "--until", "0001-01-01", "--ndjson").ndjson == []
    assert run("log", "--since", "9999-12-31T23:59", "--ndjson").ndjson == []


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
@pytest.mark.parametrize("moment", [FIRST, LAST])
def test_a_store_of_somebody_else_that_holds_such_a_time_is_shown_by_every_verb(
    run: Run, alone: Path, monkeypatch: pytest.MonkeyPatch, zone: str, moment: datetime
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    made = draft([fact("Noted", {"text": "x"}, "note:1")], id="x", time=day(1))
    odd = msgspec.structs.replace(made, time=moment)
    with closing(SqliteStore(alone / "odd.db", create=True)) as store:
        append(store.log(), msgspec.structs.replace(odd, content=content_hash(odd, odd.events)))
    verbs = ["log", "log --oneline", "log --graph", "show", "status", "state note:1", "blame note:1", "stats"]
    for words in [*verbs, "branch -v", "verify", "log --since yesterday", "log --format {time}"]:
        assert run("-s", "odd.db", *words.split()).code == 0, words


def test_times_are_shown_in_the_local_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    assert human(datetime(2026, 11, 3, 13, 2, 11, tzinfo=UTC)) == "Tue Nov 3 14:02:11 2026 +0100"
    assert short(datetime(2026, 7, 3, 13, 2, tzinfo=UTC)) == "2026-07-03 15:02"
