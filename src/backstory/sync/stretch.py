"""A stretch of a log, copied to the log of another store: each commit is checked before it goes in, and after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec

from backstory.commit import Commit, Draft, Head, chained, drafted
from backstory.errors import StoreCorrupt
from backstory.history.verify import commit_problems
from backstory.store import Log, append, commit_at


class Stretch(msgspec.Struct, frozen=True):
    """A log of the source: its number, what it stands on, and where it ended when the copying began."""

    number: int
    origin: Head
    head: Head

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"log {self.number}" if self.number else "main"

    @property
    def size(self) -> int:
        """How many events it has."""
        return self.head.position - self.origin.position


def holds(source: Log, stretch: Stretch, head: Head) -> bool:
    """Whether a log of the same origin that ends at `head` is the beginning of this one: the hash says it of all."""
    if head == stretch.origin:
        return True
    if head.position > stretch.head.position:
        return False
    commit = commit_at(source, head.position)
    return (commit.position, commit.hash) == (head.position, head.hash)


def copied(
    source: Log, target: Log, stretch: Stretch, reached: Head, batch: int
) -> Iterator[Sequence[Commit]]:
    """Append what the target, which ends at `reached`, has not yet; yield the commits of each batch once they are in.

    Memory is that of a batch. Raises `StoreCorrupt` before a commit goes in that is not what its hash says, and the
    verdict on a batch that the target refuses.
    """
    upto = stretch.head.position
    stops = iter(joints(source, reached.position, upto, batch))
    stop, head = next(stops, upto), reached
    commits: list[Commit] = []
    drafts: list[Draft] = []
    events = source.read(after=head.position, upto=upto)
    for commit in source.commits(after=head.position, upto=upto):
        own = list(islice(events, commit.position - head.position))
        draft = drafted(commit, own)
        if chained(draft, head) != commit:
            problem = next(commit_problems(commit, own, head))
            raise StoreCorrupt(f"the source is not what was written: {stretch.name}, {problem}")
        # Nobody else may append meanwhile: the first draft goes on top of the commit that it stood on.
        drafts.append(draft if drafts else msgspec.structs.replace(draft, parent=head.hash))
        commits.append(commit)
        head = Head(commit.position, commit.hash, commit.time)
        if head.position == stop:
            recorded = append(target, *drafts)
            if recorded != tuple(commits):
                raise StoreCorrupt(
                    f"the target did not record {stretch.name} as it was after #{commits[0].first - 1}"
                )
            yield commits
            commits, drafts = [], []
            stop = next(stops, upto)


def joints(log: Log, after: int, upto: int, batch: int) -> list[int]:
    """Positions that cut a log into batches of about so many events, such that each batch is taken as it was before.

    Conditions are judged against the log before the batch. So of commits that were appended as one batch, a later one
    may have been decided without an earlier one that it would now meet: these stay in one batch.
    """
    ends: list[int] = []
    for commit in log.commits(after=after, upto=upto):
        condition = commit.condition
        if condition is not None and ends and condition.after < ends[-1]:
            since = max(condition.after, after)
            for met in log.read(condition.query, after=since, upto=ends[-1], limit=1):
                while ends and ends[-1] >= met.position:
                    ends.pop()
        if commit.position - (ends[-1] if ends else after) >= batch:
            ends.append(commit.position)
    return ends
