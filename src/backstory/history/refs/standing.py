"""The standing of branches: the branch below each, and how many commits each of the two has for itself."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import islice
from math import inf

import msgspec

from backstory.history.refs.branches import Branch, Branches, Chain
from backstory.history.refs.decisions import names_of_decision, origin
from backstory.history.refs.revision import Point, missing
from backstory.lookup import commit_with
from backstory.values.commit import Commit

MOST = 1000
"""Commits that are counted at most: a count of so many means at least so many."""


FEW = 1000
"""Commits of a branch that are read once, instead of being looked for one by one."""


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
        self._before: dict[Chain, dict[bytes, float]] = {}

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
        found = self._missing(start, end)
        if target is not None and (settled := self._settled(target)):
            found = (commit for commit in found if origin(commit) not in settled)
        return sum(1 for _ in islice(found, MOST))

    def _missing(self, start: Point, end: Point) -> Iterator[Commit]:
        """The commits of `start..end`, by fewer look-ups where `start` has few commits of its own.

        Then these are read once. A decision that is older than the parting is found in the history of `end`, too, and
        so is the same for all branches that left it.
        """
        all_of = missing(self._branches, start, end)
        border, log = all_of.after, all_of.other
        own = [] if log is None else list(log.commits(after=border, upto=all_of.known, limit=FEW + 1))
        if log is None or len(own) > FEW:
            yield from all_of.commits()
            return
        origins = {commit.id: origin(commit) for commit in own}
        before = self._before.setdefault(end.chain, {})
        for commit in all_of.log.commits(after=border, upto=all_of.upto):
            if commit.hash not in before:
                before[commit.hash] = self._earlier(end.chain, commit)
            first = origin(commit)
            there = commit.id in origins or any(
                origins.get(name) == first for name in names_of_decision(commit)
            )
            if not there and not before[commit.hash] <= border:
                yield commit

    def _earlier(self, chain: Chain, commit: Commit) -> float:
        """The first position of a history at which it has the decision of one of its commits from another commit."""
        log, first = self._branches.places(chain), origin(commit)
        others = (commit_with(log, name) for name in names_of_decision(commit) if name != commit.id)
        return min((one.position for one in others if one is not None and origin(one) == first), default=inf)
