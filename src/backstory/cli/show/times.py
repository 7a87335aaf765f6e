"""Times as people read them: in the local zone, printed as Git prints them.

The time of a commit is that at which it was authored. `@{time}` goes by the log's own time, which is later for a commit
that came in after a newer one: then both are shown.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backstory.values.commit import Commit


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


def in_log(commit: Commit) -> str:
    """The log's time of a commit, as `short`; empty if that is the time at which it was authored."""
    return "" if short(commit.time) == short(commit.authored) else short(commit.time)
