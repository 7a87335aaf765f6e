"""The log of a named branch: it takes no commit once its name means another log."""

from __future__ import annotations

from collections.abc import Sequence

from backstory.errors import BranchMoved, RefMoved
from backstory.store import Log, Verdict
from backstory.unit import Batch, Hook, SetRef, Step


class GuardedLog:
    """A log whose appends go in only while a ref has its value: the name of the branch still means this log.

    Reads go on as before. A `RefMoved` of that ref becomes a `BranchMoved`, which names the branch.
    """

    def __init__(self, log: Log, branch: str, guard: SetRef) -> None:
        self._log = log
        self._branch = branch
        self._guard = guard
        self.read = log.read
        self.commits = log.commits
        self.commits_at = log.commits_at
        self.find = log.find
        self.linked = log.linked
        self.head = log.head
        self.wait = log.wait

    def append(
        self, batches: Sequence[Batch], *, beside: Sequence[Step] = (), within: Hook | None = None
    ) -> list[Verdict]:
        """Judge and append each batch while the branch still names this log; see `Log.append`."""
        verdicts = self._log.append(batches, beside=(self._guard, *beside), within=within)
        return list(map(self._named, verdicts))

    def _named(self, verdict: Verdict) -> Verdict:
        if isinstance(verdict, RefMoved) and verdict.ref == self._guard.name:
            return BranchMoved(self._branch, verdict.ref, verdict.value)
        return verdict
