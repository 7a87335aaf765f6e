"""Times as people say them, in their own zone: ISO 8601 and the usual words at once, others through `dateparser`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from backstory.errors import UnknownRevision

AGO = re.compile(r"(\d+) ?(second|minute|hour|day|week)s?( ago)?")
WORDS = {"now": timedelta(), "today": timedelta(), "yesterday": timedelta(days=1)}


def parse_time(text: str, now: datetime) -> datetime:
    """The moment that a text means, seen from `now`; in the local zone if it names none.

    A date alone is its midnight, and so are `today` and `yesterday`. Words such as `last monday 14:00` need the extra
    `times`. Raises `UnknownRevision`.
    """
    here = now.astimezone()
    words = " ".join(text.lower().split())
    if words in WORDS:
        moment = here - WORDS[words]
        return moment if words == "now" else moment.replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        if ago := AGO.fullmatch(words):
            return here - timedelta(**{f"{ago[2]}s": int(ago[1])})
        time = datetime.fromisoformat(text.strip())
    except OverflowError:
        raise UnknownRevision(text, "it is too long ago") from None
    except ValueError:
        time = _in_words(text, here)
    return time if time.tzinfo else _local(time)


def _local(time: datetime) -> datetime:
    """A time of the local zone; at the ends of the calendar, a time in UTC."""
    try:
        return time.astimezone()
    except (OverflowError, ValueError, OSError):
        return time.replace(tzinfo=UTC)


def _in_words(text: str, here: datetime) -> datetime:
    if not any(char.isalpha() for char in text):
        raise UnknownRevision(
            text, "it is not a time: write 2026-11-03, '2026-11-03 14:00', yesterday or '2 hours ago'"
        )
    try:
        import dateparser
    except ModuleNotFoundError:
        raise UnknownRevision(
            text,
            "it is not a time like 2026-11-03, '2026-11-03 14:00', yesterday or '2 hours ago'; other words need:"
            " pip install 'backstory[times]'",
        ) from None
    settings = {"RELATIVE_BASE": here.replace(tzinfo=None), "PREFER_DATES_FROM": "past"}
    time: datetime | None = dateparser.parse(text, languages=["en"], settings=settings)
    if time is None:
        raise UnknownRevision(
            text, "it is not a time: write 2026-11-03T14:00, yesterday, 2 hours ago, last monday 14:00"
        )
    return time
