"""Times as people say them, in their own zone: ISO 8601 at once, words through the library `dateparser`."""

from __future__ import annotations

from datetime import datetime

from backstory.errors import UnknownRevision


def parse_time(text: str, now: datetime) -> datetime:
    """The moment that a text means, seen from `now`; where it names no zone, that of `now`.

    A date alone is its midnight. `yesterday`, `2 hours ago`, `last monday 14:00` need the extra `times`. Raises
    `UnknownRevision`.
    """
    text = text.strip()
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = _in_words(text, now)
    return time if time.tzinfo else time.replace(tzinfo=now.tzinfo)


def _in_words(text: str, now: datetime) -> datetime:
    if text in ("now", ""):
        return now
    try:
        import dateparser
    except ModuleNotFoundError:
        raise UnknownRevision(
            text, "it is no ISO 8601 time, and times in words need: pip install 'backstory[times]'"
        ) from None
    settings = {"RELATIVE_BASE": now.replace(tzinfo=None), "PREFER_DATES_FROM": "past"}
    time = dateparser.parse(text, languages=["en"], settings=settings)
    if time is None:
        raise UnknownRevision(
            text, "it is no time: write 2026-11-01T10:00, yesterday, 2 hours ago, last monday 14:00"
        )
    if text in ("today", "yesterday"):
        time = time.replace(hour=0, minute=0, second=0, microsecond=0)
    return time if time.tzinfo else time.replace(tzinfo=now.tzinfo)
