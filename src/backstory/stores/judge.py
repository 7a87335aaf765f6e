"""The rule that decides whether a batch goes in: pure, and the same for every store and every node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from backstory.commit import Commit, Draft, Head, chained, content_hash
from backstory.errors import AheadOfLog, Conflict, HeadMoved, IdReused, RefMoved
from backstory.query import Condition
from backstory.record import Recorded
from backstory.store import Batch, Verdict

SHOWN = 10
"""How many of the events in the way a conflict names."""


class View(Protocol):
    """What the rule must know of a log: the state just before the batch."""

    @property
    def head(self) -> Head:
        """Where the log ends."""
        ...

    def known(self, id: str) -> Commit | None:
        """The commit with this id."""
        ...

    def matching(self, condition: Condition, limit: int) -> Sequence[Recorded]:
        """The first events that the condition forbids."""
        ...

    def ref(self, name: str) -> str | None:
        """The value of a ref of the log's store."""
        ...


def judge(batch: Batch, view: View) -> tuple[Verdict, bool]:
    """The verdict on a batch, and whether its commits are new: to be written on top of `view.head`.

    `Log.append` lists the cases, in this order.
    """
    ids = [draft.id for draft in batch]
    if len(set(ids)) < len(ids):
        return IdReused(next(id for id in ids if ids.count(id) > 1), "stands twice in one batch"), False
    known = [commit for id in ids if (commit := view.known(id)) is not None]
    if known:
        return recorded_verdict(batch, known), False
    if batch and batch[0].parent not in (None, view.head.hash):
        return HeadMoved(view.head.position), False
    reached = view.head.position
    for index, draft in enumerate(batch):
        condition = draft.condition
        decided_within = reached
        reached += len(draft.events)
        if condition is None:
            continue
        if condition.after > decided_within:
            return AheadOfLog(condition.after, view.head.position), False
        if condition.after < view.head.position and (events := view.matching(condition, SHOWN)):
            return Conflict(index, condition, events), False
    guard = batch[0].guard if batch else None
    if guard is not None and (value := view.ref(guard.ref)) != guard.value:
        return RefMoved(guard.ref, value), False
    return chain(batch, view.head), True


def chain(batch: Batch, head: Head) -> tuple[Commit, ...]:
    """The commits that these drafts become, one on top of the other."""
    commits = []
    for draft in batch:
        commit = chained(draft, head)
        head = Head(commit.position, commit.hash, commit.time)
        commits.append(commit)
    return tuple(commits)


def recorded_verdict(batch: Batch, known: list[Commit]) -> Verdict:
    """A retry gives what was recorded; anything else that uses a known id is refused.

    A retry may well be drafted anew, so what it says is compared at the recorded time and with the recorded secret. A
    part that is withheld is not compared, because nobody can say any more what it was.
    """
    if len(known) < len(batch):
        return IdReused(known[0].id, "was used in another batch")
    for draft, commit in zip(batch, known, strict=True):
        if not _says(draft, commit):
            return IdReused(draft.id, f"was used for other content, at position {commit.position}")
    return tuple(known)


def _says(draft: Draft, commit: Commit) -> bool:
    """Whether a draft says what a commit does."""
    if draft.content == commit.content:
        return True
    if len(draft.events) != commit.size:
        return False
    then = msgspec.structs.replace(draft, time=commit.authored, secret=commit.secret)
    return content_hash(then, then.events) == commit.content
