"""Commits that are undone already, so that nobody undoes them twice.

A commit names those that it reverts. It may have undone only a part of one, such as some of its rows, and it may be
undone in turn. So each part of a commit, which the tags of its events name, is looked at by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import chain, islice

from backstory.errors import RevertError
from backstory.history.ask.causes import undone_by
from backstory.lookup import events_of
from backstory.store import Log
from backstory.values.commit import Commit

SHOWN = 3
"""How many commits an error names."""


class About:
    """The tags of all events of a commit, and those that it was decided on, each commit read once.

    `db.revert` decides on the events that it undoes, and what undoes one may have fewer tags.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._tags: dict[int, frozenset[str]] = {}

    def __call__(self, commit: Commit) -> frozenset[str]:
        """The tags of a commit."""
        if commit.position not in self._tags:
            named = [event.tags for event in events_of(self._log, commit)]
            if commit.condition is not None:
                named += [clause.tags for clause in commit.condition.query.clauses]
            self._tags[commit.position] = frozenset(chain.from_iterable(named))
        return self._tags[commit.position]


class Reverts:
    """The commits that revert a commit, those that revert these, and so on. One look-up for each.

    Commits at the positions `taken` do not count: they are undone together with it. `about` may be shared by many.
    """

    def __init__(
        self, log: Log, commit: Commit, taken: Collection[int] = (), about: About | None = None
    ) -> None:
        self._log = log
        self.commit = commit
        self._about = About(log) if about is None else about
        self._by: dict[int, list[Commit]] = {}
        waiting = [commit]
        while waiting:
            one = waiting.pop()
            if one.position not in self._by:
                later = (each for each in undone_by(log, one) if each.position > one.position)
                self._by[one.position] = [each for each in later if each.position not in taken]
                waiting += self._by[one.position]

    def of(self, tags: Collection[str]) -> Commit | None:
        """The commit that undid what the commit did to the thing with these tags; None if that is in force."""
        undone: dict[int, Commit | None] = {}
        for position in sorted(self._by, reverse=True):
            valid = (each for each in self._by[position] if undone[each.position] is None)
            undone[position] = next((each for each in valid if self._about(each).issuperset(tags)), None)
        return undone[self.commit.position]

    def of_all(self) -> list[Commit]:
        """The commits that together undid all that the commit did; none if any part of it is in force."""
        if not self._by[self.commit.position]:
            return []
        parts = dict.fromkeys(event.tags for event in events_of(self._log, self.commit))
        found: dict[int, Commit] = {}
        for tags in parts:
            undone = self.of(tags)
            if undone is None:
                return []
            found[undone.position] = undone
        return [found[position] for position in sorted(found)]


def check(log: Log, commits: Sequence[Commit], taken: Collection[int]) -> None:
    """Raise `RevertError` if any of these commits, which are to be undone together, is undone already."""
    about = About(log)
    found = [(commit, by) for commit in commits if (by := Reverts(log, commit, taken, about).of_all())]
    if found:
        raise RevertError(why(found, len(commits)), undone=[commit for commit, _ in found])


def why(found: Sequence[tuple[Commit, Sequence[Commit]]], asked: int = 1) -> str:
    """Why commits are not undone, in words: each with those that undid it already. So many were asked for."""
    together: dict[str, list[Commit]] = {}
    for commit, by in found:
        together.setdefault(_places(by), []).append(commit)
    said = "; ".join(
        f"{_places(some)} {'was' if len(some) == 1 else 'were'} already undone by {by}"
        for by, some in islice(together.items(), SHOWN)
    )
    if len(found) == asked:
        return f"{said}; there is nothing to revert"
    return f"{said}; revert the others without {'it' if len(found) == 1 else 'these'}"


def _places(commits: Sequence[Commit]) -> str:
    left = f" and {len(commits) - SHOWN} more" if len(commits) > SHOWN else ""
    return f"{', '.join(f'#{commit.position}' for commit in commits[:SHOWN])}{left}"
