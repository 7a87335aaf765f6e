"""A branch: a base log up to a position, and a log of its own on top. Nothing of the base is copied.

The base may be any log, also one of another store: a local branch over production's history. Positions go on after the
base's, because the own log was made with that point as its origin.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import chain, islice

from backstory.store import ALL, Log, Verdict
from backstory.stores.judge import judge_batch
from backstory.unit import Batch, Hook, Step, is_guard
from backstory.values.commit import Commit, Head
from backstory.values.event_data import EventCount, RecordedEvent
from backstory.values.links import Key
from backstory.values.query import Condition, Query


class OverlayLog:
    """The view of a branch. `own` stands on `origin`, a point of `base` that never changes again."""

    def __init__(self, base: Log, origin: Head, own: Log) -> None:
        self.base = base
        self.origin = origin
        self.own = own

    def append(
        self, batches: Sequence[Batch], *, beside: Sequence[Step] = (), within: Hook | None = None
    ) -> list[Verdict]:
        """Let the own log judge each batch, but for those that the base refuses or knows; see `Log.append`.

        The base is history and cannot change meanwhile, so a batch that it refuses never goes in, and one that it knows
        is done, but for the steps beside it. The verdict on such a batch is found later: on the log as it was before.
        """
        decided = [self._base_decides(batch) for batch in batches]
        if not any(decided):
            return self.own.append(batches, beside=beside, within=within)
        head = self.head()
        offered = [batch for batch, by_base in zip(batches, decided, strict=True) if not by_base]
        late = iter(self.own.append(offered, beside=beside, within=within))
        verdicts = []
        for batch, by_base in zip(batches, decided, strict=True):
            verdict = self._known_or_refused(batch, head, beside) if by_base else next(late)
            if isinstance(verdict, tuple) and verdict and verdict[-1].position > head.position:
                head = verdict[-1].point
            verdicts.append(verdict)
        return verdicts

    def _known_or_refused(self, batch: Batch, head: Head, beside: Sequence[Step]) -> Verdict:
        """The verdict on a batch that the base decides. If all of it is known, the steps beside it are done."""
        verdict, _ = judge_batch(batch, _View(self, head))
        if isinstance(verdict, tuple) and not all(map(is_guard, beside)):
            [done] = self.own.append([()], beside=beside)
            return verdict if isinstance(done, tuple) else done
        return verdict

    def _base_decides(self, batch: Batch) -> bool:
        """Whether the base knows an id of this batch, or has an event that a condition forbids."""
        return any(self._base_knows(draft.id) or self._base_forbids(draft.condition) for draft in batch)

    def _base_knows(self, id: str) -> bool:
        return any(commit.id == id for commit in self._in_base(id))

    def _base_forbids(self, condition: Condition | None) -> bool:
        border = self.origin.position
        if condition is None or condition.after >= border:
            return False
        return any(True for _ in self.base.read(condition.query, after=condition.after, upto=border, limit=1))

    def _in_base(self, name: str) -> list[Commit]:
        return [commit for commit in self.base.find(name) if commit.position <= self.origin.position]

    def read(
        self,
        query: Query = ALL,
        *,
        after: int = 0,
        upto: int | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Iterator[RecordedEvent]:
        """Stream the base's events and then the own ones; see `Log.read`."""
        border = self.origin.position
        if after >= border:
            return self.own.read(query, after=after, upto=upto, backwards=backwards, limit=limit)
        base_upto = border if upto is None else min(border, upto)
        early = self.base.read(query, after=after, upto=base_upto, backwards=backwards, limit=limit)
        if base_upto < border:
            return early
        late = self.own.read(query, after=border, upto=upto, backwards=backwards, limit=limit)
        both = chain(late, early) if backwards else chain(early, late)
        return both if limit is None else islice(both, limit)

    def commits(
        self, *, after: int = 0, upto: int | None = None, backwards: bool = False, limit: int | None = None
    ) -> Iterator[Commit]:
        """Stream the base's commits and then the own ones; see `Log.commits`."""
        border = self.origin.position
        if after >= border:
            return self.own.commits(after=after, upto=upto, backwards=backwards, limit=limit)
        base_upto = border if upto is None else min(border, upto)
        early = self.base.commits(after=after, upto=base_upto, backwards=backwards, limit=limit)
        if base_upto < border:
            return early
        late = self.own.commits(after=border, upto=upto, backwards=backwards, limit=limit)
        both = chain(late, early) if backwards else chain(early, late)
        return both if limit is None else islice(both, limit)

    def commits_at(self, positions: Collection[int]) -> list[Commit]:
        """The commits of either that hold these positions; see `Log.commits_at`."""
        border = self.origin.position
        early = [position for position in positions if position <= border]
        late = [position for position in positions if position > border]
        return [
            *(self.base.commits_at(early) if early else ()),
            *(self.own.commits_at(late) if late else ()),
        ]

    def find(self, name: str) -> list[Commit]:
        """The commits of either that `name` may mean; see `Log.find`."""
        return sorted([*self.own.find(name), *self._in_base(name)], key=lambda commit: commit.id != name)

    def linked(
        self, key: Key, id: str, *, after: int = 0, upto: int | None = None, limit: int | None = None
    ) -> Iterator[Commit]:
        """Stream the base's commits that have a link and then the own ones; see `Log.linked`."""
        border = self.origin.position
        base_upto = border if upto is None else min(border, upto)
        early = self.base.linked(key, id, after=after, upto=base_upto, limit=limit)
        late = self.own.linked(key, id, after=max(after, border), upto=upto, limit=limit)
        return islice(chain(early, late), limit)

    def counts(self, *, after: int = 0, upto: int | None = None) -> list[EventCount]:
        """The counts of the base and the own ones; see `Log.counts`."""
        border = self.origin.position
        base_upto = border if upto is None else min(border, upto)
        return [
            *(self.base.counts(after=after, upto=base_upto) if after < base_upto else ()),
            *(self.own.counts(after=max(after, border), upto=upto) if upto is None or upto > border else ()),
        ]

    def head(self) -> Head:
        """The end of the branch."""
        return self.own.head()

    def wait(self, after: int, timeout: float | None = None) -> int:
        """Sleep until the branch's head is beyond `after`; see `Log.wait`."""
        return self.own.wait(after, timeout)


class _View:
    """The judge's view of an overlay, as it was at `head`."""

    def __init__(self, log: OverlayLog, head: Head) -> None:
        self._log = log
        self.head = head

    def known(self, id: str) -> Commit | None:
        found = next(iter(self._log.find(id)), None)
        return found if found and found.id == id and found.position <= self.head.position else None

    def matching(self, condition: Condition, limit: int) -> Sequence[RecordedEvent]:
        upto = self.head.position
        return list(self._log.read(condition.query, after=condition.after, upto=upto, limit=limit))

    def hash_at(self, position: int) -> bytes | None:
        """The hash of the commit that ends at a position; see `judge.LogView`."""
        raise AssertionError(f"no batch is judged by the hash at #{position}")
