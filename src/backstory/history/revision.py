"""Names for points of a history: `HEAD`, `#12`, a commit's id, or the beginning of its hash."""

from __future__ import annotations

import msgspec

from backstory.commit import Commit
from backstory.errors import AmbiguousRevision, UnknownRevision
from backstory.store import Log

SHORTEST = 4
"""The fewest hex digits that are taken for the beginning of a hash."""


class Point(msgspec.Struct, frozen=True):
    """A point of a history: a position, and the commit that holds it.

    `exact` says that the position was named, and not the commit: it may be in the middle of it.
    """

    position: int
    commit: Commit
    exact: bool = False


def resolve(log: Log, name: str) -> Point:
    """The point that `name` means. Raises `UnknownRevision` or `AmbiguousRevision`.

    A plain number is a position too, because a shell takes `#12` without quotes for a comment. Where it is also the
    beginning of a hash it is ambiguous.
    """
    if name in ("HEAD", "head", "@"):
        head = log.head().position
        return Point(head, at(log, head, name))
    if name.startswith("#"):
        if not name[1:].isdecimal():
            raise UnknownRevision(name, "a position is a number, like #12")
        return Point(int(name[1:]), at(log, int(name[1:]), name), exact=True)
    return _named(log, name)


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
