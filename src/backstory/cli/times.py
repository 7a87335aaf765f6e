"""Times as people write and read them: in the local zone, printed as Git prints them."""

from __future__ import annotations

from datetime import UTC, datetime

from backstory.cli.exits import UsageError


def local(time: datetime) -> datetime:
    """The time in the local zone, or in UTC where the calendar ends before it: every time can be shown."""
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


def parsed(text: str, now: datetime | None = None) -> datetime:
    """The time that a person means; see `backstory.history.times`. Raises `UsageError`."""
    from backstory.errors import UnknownRevision
    from backstory.history.times import parse_time

    try:
        return parse_time(text, now or datetime.now().astimezone())
    except UnknownRevision as wrong:
        raise UsageError(f"{text!r} is not understood: {wrong.why}") from None
