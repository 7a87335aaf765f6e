"""Common questions to a log: the commit at a position, or with an id; a commit's events; a point."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial

from backstory.errors import BranchError, StoreCorrupt
from backstory.store import Log
from backstory.values.commit import ORIGIN, Commit, Head
from backstory.values.event_data import RecordedEvent


def commit_at(log: Log, position: int) -> Commit:
    """The commit that holds a position up to the head. Raises `StoreCorrupt` if there is none."""
    for commit in log.commits(after=position - 1, limit=1):
        return commit
    raise StoreCorrupt(f"the commit that holds #{position} is missing; run: backstory verify")


def commit_finder(log: Log) -> Callable[[int], Commit]:
    """A function from an event's position to its commit, which remembers the last few."""

    return lru_cache(maxsize=256)(partial(commit_at, log))


def commit_with(log: Log, id: str, upto: int | None = None) -> Commit | None:
    """The commit that has this id, up to a position; None if there is none."""
    found = next((commit for commit in log.find(id) if commit.id == id), None)
    return found if found is None or upto is None or found.position <= upto else None


def has_commit(log: Log, hash: bytes) -> bool:
    """Whether a log has the commit with this hash."""
    return any(commit.hash == hash for commit in log.find(hash.hex()))


def events_of(log: Log, commit: Commit, limit: int | None = None) -> Iterator[RecordedEvent]:
    """The events of a commit, or the first of them."""
    return log.read(after=commit.first - 1, upto=commit.position, limit=limit)


def head_at(log: Log, position: int) -> Head:
    """The head as it was at a position. Raises `BranchError` beyond the log, and in the middle of a commit."""
    head = log.head()
    if position == head.position:
        return head
    if position == 0:
        return ORIGIN
    if not 0 < position < head.position:
        raise BranchError(f"there is no #{position}: the log ends at #{head.position}")
    commit = commit_at(log, position)
    if commit.position != position:
        raise BranchError(
            f"#{position} is in the middle of commit {commit.hash.hex()[:10]} (#{commit.first} to #{commit.position}):"
            f" start at its end, #{commit.position}, or before it, #{commit.first - 1}"
        )
    return commit.point
