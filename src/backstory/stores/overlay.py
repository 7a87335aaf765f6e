"""A branch: a base log up to a position, and a log of its own on top. Nothing of the base is copied.

The base may be any log, also one of another store: a local branch over production's history. Positions go on where the
base's end, because the own log was made with that point as its origin.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice

from backstory.commit import Commit, Head
from backstory.errors import Conflict, IdReused
from backstory.query import Query
from backstory.record import Recorded
from backstory.store import ALL, Batch, Log, Verdict
from backstory.stores.judge import SHOWN, recorded_verdict


class OverlayLog:
    """The view of a branch. `own` stands on `origin`, a point of `base` that never changes again."""

    def __init__(self, base: Log, origin: Head, own: Log) -> None:
        self.base = base
        self.origin = origin
        self.own = own

    def append(self, batches: Sequence[Batch]) -> list[Verdict]:
        """Judge each batch by the base, which is history and cannot change meanwhile, then by the own log."""
        early = [self._judge(batch) for batch in batches]
        late = iter(
            self.own.append([batch for batch, verdict in zip(batches, early, strict=True) if verdict is None])
        )
        return [next(late) if verdict is None else verdict for verdict in early]

    def _judge(self, batch: Batch) -> Verdict | None:
        """The verdict that the base alone gives; None where the own log has the word."""
        known = [commit for draft in batch for commit in self._in_base(draft.id)]
        if known and len(known) == len(batch):
            return recorded_verdict(batch, known)
        if known:
            return IdReused(known[0].id, "was used in another batch")
        for index, draft in enumerate(batch):
            condition = draft.condition
            if condition is not None and condition.after < self.origin.position:
                upto = self.origin.position
                if events := list(
                    self.base.read(condition.query, after=condition.after, upto=upto, limit=SHOWN)
                ):
                    return Conflict(index, condition, events)
        return None

    def _in_base(self, id: str) -> list[Commit]:
        return [
            commit
            for commit in self.base.find(id)
            if commit.id == id and commit.position <= self.origin.position
        ]

    def read(
        self,
        query: Query = ALL,
        *,
        after: int = 0,
        upto: int | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Iterator[Recorded]:
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

    def find(self, name: str) -> list[Commit]:
        """The commits of either that `name` may mean; see `Log.find`."""
        base = [commit for commit in self.base.find(name) if commit.position <= self.origin.position]
        return [*self.own.find(name), *base]

    def head(self) -> Head:
        """Where the branch ends."""
        return self.own.head()

    def wait(self, after: int, timeout: float | None = None) -> int:
        """Sleep until the branch's head is beyond `after`; see `Log.wait`."""
        return self.own.wait(after, timeout)
