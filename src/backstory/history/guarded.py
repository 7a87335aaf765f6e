"""Writes to a named branch: they go in only while the name means the log that they go to."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from backstory.commit import Draft, Guard
from backstory.errors import BranchMoved, RefMoved
from backstory.store import Batch, Log, Verdict


class Named(msgspec.Struct, frozen=True):
    """A branch that a write is for, and the guard that the store judges: its ref still means this log."""

    branch: str
    guard: Guard


class Offer(msgspec.Struct, frozen=True):
    """A batch, and the branch that it is for; None where no name can be moved away."""

    batch: Batch
    named: Named | None = None


def write(log: Log, offers: Sequence[Offer]) -> list[Verdict]:
    """Judge and append each batch while its branch is where it was, and return a verdict for each; see `Log.append`.

    The `RefMoved` of a branch is a `BranchMoved`, which says what to do.
    """
    verdicts = log.append([_guarded(offer) for offer in offers])
    return [_named(verdict, offer.named) for verdict, offer in zip(verdicts, offers, strict=True)]


def write_one(log: Log, draft: Draft, named: Named | None) -> Verdict:
    """The same for one draft."""
    if named is None:
        [verdict] = log.append([(draft,)])
    else:
        [verdict] = write(log, [Offer((draft,), named)])
    return verdict


def _guarded(offer: Offer) -> Batch:
    batch, named = offer.batch, offer.named
    return batch if named is None or not batch else [replace(batch[0], guard=named.guard), *batch[1:]]


def _named(verdict: Verdict, named: Named | None) -> Verdict:
    if named is not None and isinstance(verdict, RefMoved):
        return BranchMoved(named.branch, verdict.ref, verdict.value)
    return verdict


class GuardedLog:
    """A log whose appends are all for one branch. Reads go on as before."""

    def __init__(self, log: Log, named: Named) -> None:
        self._log = log
        self._named = named
        self.read = log.read
        self.commits = log.commits
        self.find = log.find
        self.head = log.head
        self.wait = log.wait

    def append(self, batches: Sequence[Batch]) -> list[Verdict]:
        """Judge and append each batch while the branch is where it was."""
        return write(self._log, [Offer(batch, self._named) for batch in batches])
