"""A stretch of history, copied to a log of another store: each commit is checked before it goes in, and after."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec

from backstory.errors import StoreCorrupt
from backstory.history.check.heads import hash_at
from backstory.history.check.verify import commit_problems
from backstory.history.refs.branches import MAIN
from backstory.lookup import commit_at
from backstory.store import Log, append
from backstory.stores.tail import Tail
from backstory.values.commit import NO_HASH, ORIGIN, Commit, Draft, Head, chained, drafted
from backstory.values.event_data import RecordedEvent
from backstory.values.query import Condition


class Stretch(msgspec.Struct, frozen=True):
    """The commits that go into one log of the target: those of `history` after `origin`, up to `head`.

    `number` is the log of the source that they are in, and `names` are the branches that name this log.
    """

    history: Log
    number: int
    names: tuple[str, ...]
    origin: Head
    head: Head

    def __str__(self) -> str:
        if not self.names:
            return f"log {self.number}"
        return MAIN if MAIN in self.names else f"branch {self.names[0]}"

    @property
    def size(self) -> int:
        """How many events it has."""
        return self.head.position - self.origin.position

    def passes(self, head: Head) -> bool:
        """Whether a log that ends at `head` has a beginning of this history, and nothing else: the hash says so."""
        return has(self.history, self.head.position, head.position, head.hash)


def has(history: Log, upto: int, position: int, hash: bytes) -> bool:
    """Whether a history has the commit with this hash end at this position, and no later than at `upto`."""
    return position <= upto and hash_at(history, position) == hash


def copied(stretch: Stretch, target: Log, reached: Head, batch: int) -> Iterator[Sequence[Commit]]:
    """Append the commits that the target, which ends at `reached`, lacks; yield those of each batch once they are in.

    Memory is that of a batch. Raises `StoreCorrupt` before a commit goes in whose hash does not fit it, and the
    verdict on a batch that the target refuses.
    """
    source, upto = stretch.history, stretch.head.position
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
            raise StoreCorrupt(f"the source is damaged: {stretch}, {problem}")
        # Nobody else may append meanwhile: the first draft goes on top of the commit that it stood on.
        drafts.append(draft if drafts else msgspec.structs.replace(draft, parent=head.hash))
        commits.append(commit)
        head = commit.point
        if head.position == stop:
            recorded = append(target, *drafts)
            if recorded != tuple(commits):
                raise StoreCorrupt(
                    f"the target did not record {stretch} as it was after #{commits[0].first - 1}"
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
    passed = Passed(log, after)
    for commit, events in with_events(log, after, upto):
        if ends and (first := passed.met(commit, ends[-1])):
            while ends and ends[-1] >= first:
                ends.pop()
        passed.add(commit, events)
        if commit.position - (ends[-1] if ends else after) >= batch:
            ends.append(commit.position)
    return ends


def going_on(log: Log, after: int, upto: int) -> Sequence[int]:
    """The positions of commits, in order, whose batch goes on with the next commit, by the same rule."""
    found = array("q")
    passed = Passed(log, after)
    for commit, events in with_events(log, after, upto):
        if first := passed.met(commit, commit.first - 1):
            since = max(first - 1, found[-1] if found else 0)
            found.extend(one.position for one in log.commits(after=since, upto=commit.first - 1))
        passed.add(commit, events)
    return found


def beginning(log: Log, after: int, upto: int) -> int:
    """Where the batch begins that goes on beyond a position, by the same rule; that position, if none does."""
    while True:
        met = [
            first
            for commit in log.commits(after=after, upto=upto)
            if (condition := commit.condition) is not None
            and condition.after < after
            and (first := _first(log, condition, condition.after, after))
        ]
        if not met:
            return after
        after, upto = commit_at(log, min(met)).first - 1, after


def _first(log: Log, condition: Condition, after: int, upto: int) -> int | None:
    """The first event that a condition forbids, with `after < position <= upto`."""
    found = log.read(condition.query, after=after, upto=upto, limit=1)
    return next((event.position for event in found), None)


class Passed:
    """The commits of a log that somebody goes through, as far as he has come. Memory is bounded; see `Tail`."""

    def __init__(self, log: Log, after: int) -> None:
        self._log = log
        self._after = after
        self._tail = Tail()
        self._tail.catch_up(Head(after, NO_HASH, ORIGIN.time))

    def add(self, commit: Commit, events: Sequence[RecordedEvent]) -> None:
        """Go past a commit."""
        self._tail.catch_up(self._tail.add(commit, events))

    def met(self, commit: Commit, upto: int) -> int | None:
        """The first event, up to a position, that the condition of a commit forbids now: of a commit in its own batch.

        Most commits were decided a little behind the log's end, and met nothing: the log is asked for the others alone.
        """
        condition = commit.condition
        if condition is None or condition.after >= upto:
            return None
        since = max(condition.after, self._after)
        if self._tail.seen.rules_out(condition.query, since):
            return None
        return _first(self._log, condition, since, upto)


def with_events(log: Log, after: int, upto: int) -> Iterator[tuple[Commit, list[RecordedEvent]]]:
    """Each commit with its events: two streams side by side."""
    events: Iterator[RecordedEvent] | None = None
    for commit in log.commits(after=after, upto=upto):
        if events is None:
            events = log.read(after=commit.first - 1, upto=upto)
        yield commit, list(islice(events, commit.size))
