"""From a time to a position: commit time never goes back within a log, so halving finds it."""

from __future__ import annotations

from datetime import datetime, timedelta

from backstory.store import Log
from backstory.values.commit import Commit

INSTANT = timedelta(microseconds=1)


def last_at(log: Log, time: datetime) -> int:
    """The position of the last commit whose time is not after `time`; 0 if every commit is later.

    Reads about twice log2(events) commits, through the contract alone.
    """
    head = log.head()
    if head.time <= time:
        return head.position
    low, high = 0, head.position  # the answer is low, or the position of a commit in (low, high]
    while low < high:
        commit = _near(log, low, (low + high + 1) // 2, high)
        if commit is None:
            break
        if commit.time <= time:
            low = commit.position
        else:
            high = commit.first - 1
    return low


def last_before(log: Log, time: datetime) -> int:
    """The position of the last commit that is earlier than `time`; 0 if there is none."""
    try:
        return last_at(log, time - INSTANT)
    except OverflowError:  # the calendar's first moment
        return 0


def _near(log: Log, low: int, middle: int, high: int) -> Commit | None:
    """The last commit in (low, middle], or if a large one spans that, the first in (middle, high]."""
    before = next(iter(log.commits(after=low, upto=middle, backwards=True, limit=1)), None)
    return before or next(iter(log.commits(after=middle, upto=high, limit=1)), None)
