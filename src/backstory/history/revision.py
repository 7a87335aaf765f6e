"""Names for points of a history: `HEAD`, `#12`, a commit's id, or the beginning of its hash."""

from __future__ import annotations

from datetime import datetime

import msgspec

from backstory.commit import Commit
from backstory.errors import AmbiguousRevision, UnknownRevision
from backstory.history.timeline import last_at
from backstory.store import Log

SHORTEST = 4
"""The fewest hex digits that are taken for the beginning of a hash."""


Revision = str | int | datetime | Commit
"""Any way to name a point of history: a text, a position, a time with its zone, or a commit."""


class Point(msgspec.Struct, frozen=True):
    """A point of a history: a position, and the commit that holds it.

    `exact` says that the position was named, and not the commit: it may be in the middle of it.
    """

    position: int
    commit: Commit
    exact: bool = False


def position_of(log: Log, revision: Revision) -> int:
    """The position up to which a revision reads: 0 is before everything. Raises `UnknownRevision`.

    A commit must be one of this log; a time before the first commit is position 0.
    """
    if isinstance(revision, datetime):
        if revision.tzinfo is None:
            raise UnknownRevision(str(revision), "a time needs its zone: datetime.now(UTC), or time.astimezone()")
        return last_at(log, revision)
    if isinstance(revision, Commit):
        return resolve(log, revision.hash.hex()).position
    if isinstance(revision, int):
        if not 0 <= revision <= log.head().position:
            raise UnknownRevision(f"#{revision}", f"the log has #1 to #{log.head().position}")
        return revision
    return resolve(log, revision).position


def resolve(log: Log, name: str) -> Point:
    """The point that `name` means. Raises `UnknownRevision` or `AmbiguousRevision`.

    A plain number is a position too, because a shell takes `#12` without quotes for a comment. Where it is also the
    beginning of a hash it is ambiguous.
    """
    base, tilde, count = name.rpartition("~")
    if tilde and (count.isdecimal() or not count):
        return _before(log, resolve(log, base), int(count or 1), name)
    if name in ("HEAD", "head", "@", "main"):
        head = log.head().position
        return Point(head, at(log, head, name))
    if name.startswith("#"):
        if not name[1:].isdecimal():
            raise UnknownRevision(name, "a position is a number, like #12")
        return Point(int(name[1:]), at(log, int(name[1:]), name), exact=True)
    return _named(log, name)


def _before(log: Log, point: Point, count: int, name: str) -> Point:
    """The point `count` commits before another; exactly as many as there are lead to position 0, before everything."""
    for _ in range(count):
        if point.position == 0:
            raise UnknownRevision(name, f"there are fewer than {count} commits before it")
        before = next(log.commits(upto=point.commit.first - 1, backwards=True, limit=1), None)
        point = Point(0, point.commit) if before is None else Point(before.position, before)
    return point


def at(log: Log, position: int, name: str) -> Commit:
    """The commit that holds a position. Raises `UnknownRevision` with what exists."""
    head = log.head().position
    if head == 0:
        raise UnknownRevision(name, "the log is empty")
    if not 1 <= position <= head:
        raise UnknownRevision(name, f"the log has #1 to #{head}")
    return next(iter(log.commits(after=position - 1, limit=1)))


def _named(log: Log, name: str) -> Point:
    found = [commit for commit in log.find(name) if commit.id == name or len(name) >= SHORTEST]
    identical = [commit for commit in found if commit.id == name]
    if len(found) > 1 and not identical:
        raise AmbiguousRevision(name, found)
    number = int(name) if name.isdecimal() and name.isascii() else 0
    if 1 <= number <= log.head().position:
        commit = at(log, number, name)
        if found:
            raise AmbiguousRevision(name, [*found, commit])
        return Point(number, commit, exact=True)
    if not found:
        raise UnknownRevision(name, _why_unknown(name, log.head().position))
    commit = (identical or found)[0]
    return Point(commit.position, commit)


def _why_unknown(name: str, head: int) -> str:
    if head == 0:
        return "the log is empty"
    if 0 < len(name) < SHORTEST and all(digit in "0123456789abcdefABCDEF" for digit in name):
        return f"the beginning of a hash has at least {SHORTEST} digits, and positions are #1 to #{head}"
    return f"no commit has this id, or a hash that begins so; positions are #1 to #{head}"
