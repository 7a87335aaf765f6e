"""Listing: the wanted commits of a history, streamed in either direction.

`log` uses this. It needs no module that knows revisions or branches, so that a plain list comes quickly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from backstory.store import ALL
from backstory.subject import Subjects
from backstory.values.query import Query

if TYPE_CHECKING:
    from backstory.history.refs.revision import Missing
    from backstory.store import Log
    from backstory.values.commit import Commit
    from backstory.values.event_data import RecordedEvent


class Filter(msgspec.Struct):
    """The rule that says which commits, and which of their events, are wanted.

    `author` is a part of the author in lower case; `grep` is found in message or subject. `missing` leaves out commits
    that another history has. `only`, if given, are the positions of the only wanted commits.
    """

    query: Query = ALL
    author: str = ""
    grep: re.Pattern[str] | None = None
    after: int = 0
    upto: int | None = None
    missing: Missing | None = None
    only: frozenset[int] | None = None

    def during(self, log: Log, since: datetime | None, until: datetime | None) -> None:
        """Want only commits that are not earlier than `since` and not later than `until`."""
        from backstory.history.refs.as_of import last_at, last_before

        if since is not None:
            self.after = max(self.after, last_before(log, since))
        if until is not None:
            last = last_at(log, until)
            self.upto = last if self.upto is None else min(self.upto, last)

    def candidates(self, log: Log, *, backwards: bool) -> Iterator[Commit]:
        """The commits in the range; with types or tags the index finds those that hold such events."""
        if self.query.is_all:
            yield from log.commits(after=self.after, upto=self.upto, backwards=backwards)
            return
        last = 0
        for event in log.read(self.query, after=self.after, upto=self.upto, backwards=backwards):
            if event.commit != last:
                last = event.commit
                yield from log.commits(after=last - 1, upto=last)

    def wants(self, commit: Commit, subjects: Subjects) -> bool:
        """Whether author, message or subject, and place are wanted."""
        return (
            self.author in commit.author.casefold()
            and (self.grep is None or subjects.match(commit, self.grep))
            and (self.only is None or commit.position in self.only)
            and (self.missing is None or self.missing.lacks(commit))
        )

    def events(self, log: Log, commit: Commit, limit: int | None = None) -> Iterator[RecordedEvent]:
        """The events of a commit that are wanted."""
        return log.read(self.query, after=commit.first - 1, upto=commit.position, limit=limit)


class Side:
    """A history, and its wanted commits; `sign` is its side of a range `a...b`."""

    def __init__(self, log: Log, wanted: Filter, sign: str = "") -> None:
        self.log = log
        self.wanted = wanted
        self.sign = sign
        self.subjects = Subjects(log)

    def commits(self, *, backwards: bool) -> Iterator[Commit]:
        """The commits that are wanted."""
        found = self.wanted.candidates(self.log, backwards=backwards)
        return (commit for commit in found if self.wanted.wants(commit, self.subjects))

    def events(self, commit: Commit, limit: int | None = None) -> Iterator[RecordedEvent]:
        """The events of a commit that are wanted."""
        return self.wanted.events(self.log, commit, limit)


Listed = Iterator[tuple[Side, "Commit"]]
"""Commits, each with the side that it is on."""


def listed(sides: list[Side], number: int | None = None, *, oldest_first: bool = False) -> Listed:
    """The commits that are wanted, newest first. `number` takes the newest, in whichever order they come."""
    if oldest_first and number is None:
        return ((side, commit) for side in sides[::-1] for commit in side.commits(backwards=False))
    every = ((side, commit) for side in sides for commit in side.commits(backwards=True))
    found = islice(every, number)
    return reversed(list(found)) if oldest_first else found


def followed(side: Side, number: int) -> Iterator[Listed]:
    """The newest commits, and then for ever those that were appended since the last time, oldest first."""
    wanted, log = side.wanted, side.log
    head = log.head().position
    if wanted.upto is None:
        wanted.upto = head
    yield listed([side], number, oldest_first=True)
    while True:
        wanted.after = head
        wanted.upto = head = log.wait(head)
        yield listed([side], oldest_first=True)
