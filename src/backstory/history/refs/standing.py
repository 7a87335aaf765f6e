"""The standing of branches: the branch below each, and how many commits each of the two has for itself."""

from __future__ import annotations

from functools import cache
from itertools import islice

import msgspec

from backstory.history.refs.branches import Branch, Branches, Chain
from backstory.history.refs.decisions import origin
from backstory.history.refs.revision import Point, commits_between

MOST = 1000
"""Commits that are counted at most: a count of so many means at least so many."""


class Standing(msgspec.Struct, frozen=True):
    """The standing of a branch.

    It left `parent` at the position `base`; `parent` is None for main, and if no branch names that log any more.
    `ahead` counts the commits that only the branch has, `behind` those that only the parent has. A commit that a merge
    decided differently is there, and one that it skipped or refused is settled: neither is counted.
    """

    name: str
    position: int
    head: str
    parent: str | None
    base: int
    ahead: int
    behind: int


class Standings:
    """The standings of the branches of a store. Data that several of them need are read once."""

    def __init__(self, branches: Branches) -> None:
        self._branches = branches
        self._settled = cache(branches.settled)
        self._names = cache(self._read_names)

    def _read_names(self) -> dict[Chain, str]:
        names: dict[Chain, str] = {}
        for branch in self._branches.all():
            names.setdefault(branch.chain, branch.name)
        return names

    def of(self, branch: Branch) -> Standing:
        """The standing of a branch."""
        branches, below = self._branches, branch.chain[:-1]
        head = branches.view(branch.chain).head()
        parent = self._names().get(below) if below else None
        ahead = behind = 0
        if below:
            own = Point(branch.chain, head.position)
            other = Point(below, branches.view(below).head().position)
            ahead, behind = self._counted(other, own, parent), self._counted(own, other, branch.name)
        base = branches.origin(branch.chain).position
        return Standing(branch.name, head.position, head.hash.hex(), parent, base, ahead, behind)

    def _counted(self, start: Point, end: Point, target: str | None) -> int:
        """Commits of `start..end`, as many as are counted, without those that a merge into `target` left out."""
        missing = commits_between(self._branches, start, end)
        if target is not None and (settled := self._settled(target)):
            missing = (commit for commit in missing if origin(commit) not in settled)
        return sum(1 for _ in islice(missing, MOST))
