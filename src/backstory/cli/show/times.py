"""Times as people read them: in the local zone, printed as Git prints them."""

from __future__ import annotations

from datetime import UTC, datetime


def local(time: datetime) -> datetime:
    """The time in the local zone, or in UTC if the calendar ends before it: every time can be shown."""
    try:
        return time.astimezone()
    except (OverflowError, ValueError, OSError):
        return time.astimezone(UTC)


def human(time: datetime) -> str:
    """`Tue Nov 3 14:02:11 2026 +0100`."""
    time = local(time)
    return f"{time:%a %b} {time.day} {time:%H:%M:%S %Y %z}"


def short(time: datetime) -> str:
    """`2026-11-03 14:02`, for tables."""
    return f"{local(time):%Y-%m-%d %H:%M}"
