"""Revisions: any way to name a point of history.

    main  HEAD  @  what-if         the head of a branch; HEAD is the branch that one is on
    q3-closed                      a mark
    #12  12  what-if#12            a position; of another branch, if that is named
    12-0f3a9c1b                    a place: a position, and the beginning of the hash of its commit
    0f3a9c                         a commit, by its id or the beginning of its hash; or by its whole hash in Git
    main~3  HEAD^  q3-closed~1     so many commits before
    @{yesterday}  main@{2026-11-01T10:00}    as it stood at a time

In Python also a whole number (a position), an aware datetime, or a Commit. `a..b` and `a...b` are ranges.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import NamedTuple

import msgspec

from backstory.errors import AmbiguousRevision, BackstoryError, OutOfScope, UnknownRevision
from backstory.history.refs.as_of import last_at
from backstory.history.refs.branches import MAIN, Branches, Chain
from backstory.history.refs.decisions import made
from backstory.history.refs.parse_time import DAYS, parse_time
from backstory.likeness import did_you_mean
from backstory.lookup import commit_at
from backstory.place import WRITTEN, Place
from backstory.store import Log
from backstory.values.commit import Commit
from backstory.values.ids import GIT, derived

Revision = str | int | datetime | Commit
"""Any way to name a point of history: a text, a position, a time with its zone, or a commit."""

Current = str | Chain
"""The branch that one is on: by its name, or the logs that it is made of."""

SHORTEST = 4
"""The fewest hex digits that are taken for the beginning of a hash."""

FURTHEST = 10**18
"""More commits than any log has."""

GIT_HASH = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
"""A whole hash of Git, which names the commit that was imported from there."""

TIME = re.compile(r"\d{4}-\d\d?-\d\d?([T ]|$)|\d{1,2}:\d\d")
"""The beginning of a text that is a time."""

SUFFIX = re.compile(r"~(?P<count>\d*)|(?P<parents>\^+)|@\{(?P<time>[^{}]*)\}")


class Point(msgspec.Struct, frozen=True):
    """A point of history: a chain of logs, a position of it, and the commit that holds that.

    Position 0 is before everything, and has no commit; nor has a position of a commit that is outside of the reader's
    scope. `exact` says that the position was named, and not the commit: it may be in the middle of it.
    """

    chain: Chain
    position: int
    commit: Commit | None = None
    exact: bool = False


class Range(NamedTuple):
    """Two points, and whether the commits of both sides are meant (`a...b`), or only those of the second."""

    start: Point
    end: Point
    both: bool


class Missing(NamedTuple):
    """The commits that one history has and another does not have: those of `log` from `after` up to `upto`.

    A merge may have taken some of them over, or decided them again. That is the same decision, so `other`, the other
    history up to `known`, does not miss it.
    """

    log: Log
    after: int
    upto: int
    other: Log | None
    known: int

    def lacks(self, commit: Commit) -> bool:
        """Whether the other history has no commit that makes the decision of this one."""
        return self.other is None or made(self.other, commit, self.known) is None

    def commits(self) -> Iterator[Commit]:
        """The commits, oldest first."""
        return filter(self.lacks, self.log.commits(after=self.after, upto=self.upto))


def resolve(branches: Branches, revision: Revision, current: Current = MAIN) -> Point:
    """The point that a revision means, seen from the branch `current`.

    Raises `UnknownRevision`, which names the revisions that exist, `AmbiguousRevision`, or `HistoryMoved` for a place.
    """
    chain = branches.get(current).chain if isinstance(current, str) else current
    places = branches.places(chain)
    if isinstance(revision, Commit):
        revision = revision.hash.hex()
    if not isinstance(revision, (str, int, datetime)):
        raise _no_revision(revision)
    if isinstance(revision, datetime):
        if revision.tzinfo is None:
            raise UnknownRevision(
                str(revision), "a time needs its zone: datetime.now(UTC), or time.astimezone()"
            )
        return _point(branches, chain, last_at(places, revision))
    if isinstance(revision, int):
        return _position(branches, chain, revision, f"#{revision}")
    if "\0" in revision:
        raise UnknownRevision(revision, "no branch, mark or commit has this name")
    base, suffixes = _split(revision)
    point = _base(branches, base, chain, revision)
    for suffix in suffixes:
        point = _step(branches, point, suffix, revision)
    return point


def resolve_commit(branches: Branches, revision: Revision, current: Current = MAIN) -> tuple[Point, Commit]:
    """The point that a revision means, and the commit that holds it. Raises `UnknownRevision` if there is none."""
    point = resolve(branches, revision, current)
    if point.commit is None:
        raise no_commit(point, revision, "it is before the first commit, or the log is empty")
    return point, point.commit


def no_commit(point: Point, revision: object, why: str) -> BackstoryError:
    """The error for a point at which no commit stands, or none that the reader may see; `why` is about the first."""
    if point.position:
        return OutOfScope("commit at", f"#{point.position}")
    return UnknownRevision(str(revision), why)


def resolve_range(branches: Branches, text: str, current: Current = MAIN) -> Range | None:
    """The points of `a..b` or `a...b`, an empty side being HEAD; None if the text is no range."""
    start, dots, end = text.partition("..." if "..." in text else "..")
    if not dots:
        return None
    return Range(
        resolve(branches, start or "HEAD", current), resolve(branches, end or "HEAD", current), dots == "..."
    )


def stretch(branches: Branches, text: str | None, current: Current = MAIN) -> tuple[Point, int]:
    """The end of a part of one history, and the position that the part begins after: `a..b`, or all up to `b`.

    Without a text it is the whole branch. Raises `RevisionError`.
    """
    span = None if text is None else resolve_range(branches, text, current)
    if span is None:
        return resolve(branches, text or "HEAD", current), 0
    if span.both:
        raise UnknownRevision(str(text), "a part of one history has two dots: main~10..main")
    start, end = span.start, span.end
    after = start.position
    if start.chain != end.chain:
        after = min(after, branches.shared(start.chain, end.chain)[1])
    if after > end.position:
        raise UnknownRevision(str(text), f"it ends at #{end.position}, before it begins, at #{after}")
    return end, after


def missing(branches: Branches, start: Point, end: Point) -> Missing:
    """The commits that the history of `end` has and the history of `start` does not have: `start..end`."""
    _, border = branches.shared(start.chain, end.chain)
    border = min(border, start.position)
    merged = start.chain != end.chain and start.position > border
    other = branches.places(start.chain) if merged else None
    return Missing(branches.view(end.chain), border, end.position, other, start.position)


def commits_between(branches: Branches, start: Point, end: Point) -> Iterator[Commit]:
    """The commits of `start..end`, oldest first; see `Missing`."""
    return missing(branches, start, end).commits()


def commits_named(branches: Branches, name: str, chain: Chain) -> dict[Commit, Chain]:
    """The commits that an id, or the beginning of a hash, may mean, on this chain or else on any branch.

    Each comes with a chain that has it.
    """
    where = dict.fromkeys(_find(branches.view(chain), name), chain)
    if where:
        return where
    seen: set[bytes] = set()
    for branch in branches.all():
        for commit in _find(branches.view(branch.chain), name):
            if commit.hash not in seen:
                seen.add(commit.hash)
                where[commit] = branch.chain
    return where


def _split(text: str) -> tuple[str, list[re.Match[str]]]:
    """A base, and the suffixes that follow it."""
    first = next((match.start() for match in SUFFIX.finditer(text)), len(text))
    suffixes, end = [], first
    while end < len(text):
        match = SUFFIX.match(text, end)
        if match is None:
            raise UnknownRevision(
                text, f"{text[end:]!r} is not understood: after a name come ~3, ^ or @{{time}}"
            )
        suffixes.append(match)
        end = match.end()
    return text[:first], suffixes


def _base(branches: Branches, name: str, chain: Chain, text: str) -> Point:
    if name in ("", "HEAD", "head", "@"):
        if not text:
            raise UnknownRevision(text, "a revision is not empty; the newest is HEAD")
        return _head(branches, chain)
    branch = branches.find(name)
    if branch is not None:
        return _head(branches, branch.chain)
    if (mark := branches.mark(name)) is not None:
        return _point(branches, branches.marked(mark), mark.position)
    on, sign, digits = name.partition("#")
    if sign:
        if (number := _number(digits)) is None:
            raise UnknownRevision(text, "a position is a number, like #12")
        return _position(branches, branches.get(on).chain if on else chain, number, text)
    if WRITTEN.fullmatch(name):
        return _position(branches, chain, Place.parse(name).on(branches.places(chain)), text)
    return _named(branches, name, chain, text)


def _step(branches: Branches, point: Point, suffix: re.Match[str], text: str) -> Point:
    log, chain = branches.places(point.chain), point.chain
    if suffix["time"] is not None:
        time = parse_time(suffix["time"], branches.clock().astimezone())
        return _point(branches, chain, min(last_at(log, time), point.position))
    count = len(suffix["parents"] or "") or _number(suffix["count"] or "1")
    if count == 0:
        return point
    first = commit_at(log, point.position).first if point.position else 1
    left = FURTHEST if count is None else count
    position = point.position
    for before in log.commits(upto=first - 1, backwards=True, limit=left):
        position, left = before.position, left - 1
    if left == 1 and position:
        return Point(chain, 0)
    if left:
        raise UnknownRevision(text, f"there are fewer than {suffix['count'] or count} commits before it")
    return _point(branches, chain, position)


def _head(branches: Branches, chain: Chain) -> Point:
    return _point(branches, chain, branches.places(chain).head().position)


def _point(branches: Branches, chain: Chain, position: int) -> Point:
    return Point(chain, position, branches.holder(chain, position) if position else None)


def _position(branches: Branches, chain: Chain, position: int, text: str) -> Point:
    head = branches.places(chain).head().position
    if not 0 <= position <= head:
        raise UnknownRevision(text, f"the log has #1 to #{head}" if head else "the log is empty")
    return Point(chain, position, _point(branches, chain, position).commit, exact=True)


def _named(branches: Branches, name: str, chain: Chain, text: str) -> Point:
    """A commit by id or hash, on this branch or else on another; or a bare position."""
    where = commits_named(branches, name, chain)
    found = list(where)
    log = branches.view(chain)
    identical = [commit for commit in found if commit.id == name]
    if len(found) > 1 and len(identical) != 1:
        raise AmbiguousRevision(name, found)
    number = _number(name) or 0
    if 1 <= number <= log.head().position:
        point = _position(branches, chain, number, text)
        if point.commit is not None and found not in ([], [point.commit]):
            raise AmbiguousRevision(name, [*found, point.commit])
        return point
    if not found:
        raise UnknownRevision(text, _why_unknown(branches, name, log.head().position))
    commit = (identical or found)[0]
    return Point(where[commit], commit.position, commit)


def _number(text: str) -> int | None:
    """The number that a text is; None if it is not a number, or larger than the position of any log."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(FURTHEST)) else None


def _find(log: Log, name: str) -> list[Commit]:
    found = [commit for commit in log.find(name) if commit.id == name or len(name) >= SHORTEST]
    return found or (log.find(derived(GIT, name)) if GIT_HASH.fullmatch(name) else [])


def _why_unknown(branches: Branches, name: str, head: int) -> str:
    if head == 0 and len(branches.names()) == 1:
        return "the log is empty"
    if 0 < len(name) < SHORTEST and all(digit in "0123456789abcdefABCDEF" for digit in name):
        return f"the beginning of a hash has at least {SHORTEST} digits, and positions are #1 to #{head}"
    unknown = "no branch, mark or commit has this name"
    if TIME.match(name) or name in DAYS:
        return f"{unknown}; a time is written @{{{name}}}"
    marks = [mark.name for mark in branches.marks()]
    there = f"there are the branches {', '.join(branches.names()[:10])}"
    if marks:
        there += f", the marks {', '.join(marks[:10])}"
    there += f", the positions #1 to #{head}, and commits by id or hash"
    return f"{unknown}; {did_you_mean(name, [*branches.names(), *marks, 'HEAD'], there)}"


def _no_revision(given: object) -> UnknownRevision:
    """The error for a value that is no way to name a point."""
    if isinstance(given, date):
        return UnknownRevision(
            str(given),
            f"a day has many points: write '@{{{given}}}' for its first moment, or give a datetime with its zone",
        )
    if isinstance(given, type):
        name = given.__name__
        return UnknownRevision(name, f"it is a class, and no point of history; its events: db.read({name})")
    return UnknownRevision(
        repr(given),
        "a revision is a text such as 'main~1', a position, a datetime with its zone, or a commit",
    )
