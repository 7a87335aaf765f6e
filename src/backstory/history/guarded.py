"""The log of a named branch: it takes no commit once its name means another log."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from backstory.commit import Guard
from backstory.errors import BranchMoved, RefMoved
from backstory.store import Batch, Log, Verdict


class GuardedLog:
    """A log whose appends carry a guard, so that the store itself refuses them once the branch was moved or deleted.

    Reads go on as before. Its `RefMoved` is a `BranchMoved`, which says what to do.
    """

    def __init__(self, log: Log, branch: str, guard: Guard) -> None:
        self._log = log
        self._branch = branch
        self._guard = guard
        self.read = log.read
        self.commits = log.commits
        self.find = log.find
        self.head = log.head
        self.wait = log.wait

    def append(self, batches: Sequence[Batch]) -> list[Verdict]:
        """Judge and append each batch while the branch is where it was; see `Log.append`."""
        return list(map(self._named, self._log.append([self._guarded(batch) for batch in batches])))

    def _guarded(self, batch: Batch) -> Batch:
        return [replace(batch[0], guard=self._guard), *batch[1:]] if batch else batch

    def _named(self, verdict: Verdict) -> Verdict:
        return (
            BranchMoved(self._branch, verdict.ref, verdict.value)
            if isinstance(verdict, RefMoved)
            else verdict
        )
