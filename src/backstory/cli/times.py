"""Times as people write and read them: in the local zone, printed as Git prints them."""

from __future__ import annotations

from datetime import datetime

from backstory.cli import UsageError


def human(time: datetime) -> str:
    """`Tue Nov 3 14:02:11 2026 +0100`."""
    local = time.astimezone()
    return f"{local:%a %b} {local.day} {local:%H:%M:%S %Y %z}"


def short(time: datetime) -> str:
    """`2026-11-03 14:02`, for tables."""
    return f"{time.astimezone():%Y-%m-%d %H:%M}"


def parsed(text: str, now: datetime | None = None) -> datetime:
    """The time that a person means; see `backstory.history.times`. Raises `UsageError`."""
    from backstory.errors import UnknownRevision
    from backstory.history.times import parse_time

    try:
        return parse_time(text, now or datetime.now().astimezone())
    except UnknownRevision as wrong:
        raise UsageError(f"{text!r} is not understood: {wrong.why}") from None
