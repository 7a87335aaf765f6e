"""Times as people write and read them: in the local zone, printed as Git prints them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from backstory.cli import UsageError

AGO = re.compile(r"(\d+) ?(second|minute|hour|day|week)s?( ago)?")
WORDS = {"now": timedelta(), "today": timedelta(), "yesterday": timedelta(days=1)}


def human(time: datetime) -> str:
    """`Tue Nov 3 14:02:11 2026 +0100`."""
    local = time.astimezone()
    return f"{local:%a %b} {local.day} {local:%H:%M:%S %Y %z}"


def short(time: datetime) -> str:
    """`2026-11-03 14:02`, for tables."""
    return f"{time.astimezone():%Y-%m-%d %H:%M}"


def parsed(text: str, now: datetime | None = None) -> datetime:
    """The time that a person means, in the local zone where they name none; a date alone is its midnight.

    ISO 8601, or `now`, `today`, `yesterday`, `2 hours ago`. Raises `UsageError`.
    """
    here = (now or datetime.now().astimezone()).astimezone()
    words = " ".join(text.lower().split())
    if words in WORDS:
        moment = here - WORDS[words]
        return moment if words == "now" else moment.replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        if ago := AGO.fullmatch(words):
            return here - timedelta(**{f"{ago[2]}s": int(ago[1])})
        time = datetime.fromisoformat(text.strip())
        return time if time.tzinfo else time.astimezone()
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is no time: write 2026-11-03, '2026-11-03 14:00', 2026-11-03T14:00:00Z, yesterday"
            " or '2 hours ago'"
        ) from None
