"""Times as people say them, in their own zone: ISO 8601 and the usual words at once, others through `dateparser`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

from backstory.errors import UnknownRevision

AGO = re.compile(r"(\d+) ?(second|minute|hour|day|week)s?( ago)?")
DAYS = {"today": timedelta(), "yesterday": timedelta(days=1)}


def parse_time(text: str, now: datetime) -> datetime:
    """The moment that a text means, seen from `now`; in the local zone if it names none.

    A date alone is its midnight, and so are `today` and `yesterday`: the first moment of that day, also where clocks
    change at midnight or between it and `now`. Words such as `last monday 14:00` need the extra `times`. Raises
    `UnknownRevision`.
    """
    here = now.astimezone()
    words = " ".join(text.lower().split())
    if words == "now":
        return here
    try:
        if words in DAYS:
            return _local(datetime.combine(here.date() - DAYS[words], time.min))
        if ago := AGO.fullmatch(words):
            return here - timedelta(**{f"{ago[2]}s": int(ago[1])})
        moment = datetime.fromisoformat(text.strip())
    except OverflowError:
        raise UnknownRevision(text, "it is too long ago") from None
    except ValueError:
        moment = _in_words(text, here)
    return moment if moment.tzinfo else _local(moment)


def _local(moment: datetime) -> datetime:
    """A time of the local zone; at the ends of the calendar, a time in UTC.

    One that comes twice, where clocks go back, is the first of the two; one that clocks skip is as much later as they
    skip, so midnight is the first moment of its day everywhere.
    """
    try:
        first, second = (moment.replace(fold=fold).astimezone() for fold in (0, 1))
        # Python 3.13 has another order than 3.11 for a time that clocks skip.
        return first if first.replace(tzinfo=None) == moment else max(first, second)
    except (OverflowError, ValueError, OSError):
        return moment.replace(tzinfo=UTC)


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
    moment: datetime | None = dateparser.parse(text, languages=["en"], settings=settings)
    if moment is None:
        raise UnknownRevision(
            text, "it is not a time: write 2026-11-03T14:00, yesterday, 2 hours ago, last monday 14:00"
        )
    return moment
