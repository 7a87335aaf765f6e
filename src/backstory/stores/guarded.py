"""The log of a named branch: it takes no commit once its name means another log. It is the first of the logs that stand
before another one, whose base is here, too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final

from backstory.errors import BranchMoved, RefMoved, RowsElsewhere
from backstory.store import Log, Verdict
from backstory.unit import Batch, Hook, SetRef, Step


class SameCommits:
    """A log that has the commits of another one. Its class says how events are read and how they are appended.

    Each method here is the other log's own, so a call through this log costs nothing more. A class cannot replace
    one of them: a log that withholds commits needs its own for all of them, and is not made of this.
    """

    def __init__(self, log: Log) -> None:
        self.commits: Final = log.commits
        self.commits_at: Final = log.commits_at
        self.find: Final = log.find
        self.linked: Final = log.linked
        self.head: Final = log.head
        self.wait: Final = log.wait


class GuardedLog(SameCommits):
    """A log whose appends go in only while a ref has its value: the name of the branch still means this log.

    Reads go on as before. A `RefMoved` of that ref becomes a `BranchMoved`, which names the branch. `recorded` gives
    the types of events that others than a capture must not append.
    """

    def __init__(
        self, log: Log, branch: str, guard: SetRef, recorded: Callable[[], Collection[str]] | None = None
    ) -> None:
        super().__init__(log)
        self._log = log
        self._recorded = recorded
        self._branch = branch
        self._guard = guard
        self.read = log.read
        self.counts = log.counts

    def append(
        self, batches: Sequence[Batch], *, beside: Sequence[Step] = (), within: Hook | None = None
    ) -> list[Verdict]:
        """Judge and append each batch while the branch still names this log; see `Log.append`."""
        refused = [self._elsewhere(batch) for batch in batches]
        if any(refused):
            batches = [batch for batch, why in zip(batches, refused, strict=True) if why is None]
        verdicts = iter(self._log.append(batches, beside=(self._guard, *beside), within=within))
        return [why or self._named(next(verdicts)) for why in refused]

    def _elsewhere(self, batch: Batch) -> RowsElsewhere | None:
        """The refusal of a batch that has an event of a row which another database has."""
        if self._recorded is None or not (types := self._recorded()):
            return None
        found = (event.type for draft in batch for event in draft.events if event.type in types)
        type = next(found, None)
        if type is None or all(any(one.id == draft.id for one in self.find(draft.id)) for draft in batch):
            return None  # a batch that the log has already writes nothing
        return RowsElsewhere(type.rpartition(".")[0])

    def _named(self, verdict: Verdict) -> Verdict:
        if isinstance(verdict, RefMoved) and verdict.ref == self._guard.name:
            return BranchMoved(self._branch, verdict.ref, verdict.value)
        return verdict
