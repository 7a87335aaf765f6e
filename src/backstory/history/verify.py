"""Is this still the history that was written? Recompute every hash, and check every position and index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

import msgspec

from backstory.commit import Commit, Head, commit_hash, content_hash, events_root
from backstory.errors import StoreCorrupt, StoreError
from backstory.record import Recorded
from backstory.store import Log, Store


class Report(msgspec.Struct):
    """What `verify` looked at, and every problem that it found, in words that name the place."""

    commits: int = 0
    events: int = 0
    head: Head | None = None
    problems: list[str] = []

    @property
    def sound(self) -> bool:
        """Whether nothing was wrong."""
        return not self.problems


def verify(
    store: Store, number: int = 0, *, most: int = 20, progress: Callable[[int], None] | None = None
) -> Report:
    """Check one log of a store, and the store's own indexes. Stops after `most` problems.

    Memory is that of the largest commit. `progress` is called with the position that was reached, once a commit.
    """
    report = Report()
    for problem in chain(log_problems(store, number, report, progress), store.problems()):
        report.problems.append(problem)
        if len(report.problems) >= most:
            break
    return report


def log_problems(
    store: Store, number: int, report: Report, progress: Callable[[int], None] | None = None
) -> Iterator[str]:
    """Find a log and what it stands on, and walk it."""
    try:
        log, origin = store.log(number), store.origin(number)
    except StoreError as error:
        yield str(error)
    else:
        yield from chain_problems(log, origin, report, progress)


def chain_problems(
    log: Log, origin: Head, report: Report, progress: Callable[[int], None] | None = None
) -> Iterator[str]:
    """Walk commits and events side by side and name what does not fit."""
    parent = origin
    waiting: Recorded | None = None
    try:
        events = log.read()
        for commit in log.commits():
            own: list[Recorded] = []
            while waiting is not None or (waiting := next(events, None)) is not None:
                if waiting.position > commit.position:
                    break
                own.append(waiting)
                waiting = None
            try:
                yield from commit_problems(commit, own, parent)
            except (
                AttributeError,
                TypeError,
                OverflowError,
            ) as error:  # a column holds another kind of value
                yield f"commit {commit.id} at #{commit.position}: it, or an event of it, is damaged ({error})"
            parent = Head(commit.position, commit.hash, commit.time)
            report.commits += 1
            report.events += len(own)
            if progress is not None:
                progress(commit.position)
        if waiting is not None or (waiting := next(events, None)) is not None:
            yield f"event #{waiting.position} is in no commit"
    except StoreError as error:
        place = f"after position {parent.position}" if parent.position else "in the first commit"
        yield f"{place}: {error}" if isinstance(error, StoreCorrupt) else str(error)
    report.head = parent


def commit_problems(commit: Commit, events: list[Recorded], parent: Head) -> Iterator[str]:
    """What is wrong with one commit, given what it must stand on."""
    place = f"commit {commit.id} at #{commit.position}"
    if commit.first != parent.position + 1:
        yield f"{place}: it begins at #{commit.first}, the one before ends at #{parent.position}"
    if [event.position for event in events] != list(range(commit.first, commit.position + 1)):
        yield f"{place}: it has {commit.size} events, but the log has {len(events)} at its positions"
    for event in events:
        if event.commit != commit.position:
            yield f"{place}: event #{event.position} says that its commit is at #{event.commit}"
    if commit.time != max(commit.authored, parent.time):
        yield f"{place}: its time {commit.time.isoformat()} does not follow from its author's and the one before"
    if content_hash(commit, events_root(events), commit.authored) != commit.content:
        yield f"{place}: its content hash differs: an event #{commit.first} to #{commit.position}, or what it says, was changed"
    if commit_hash(parent.hash, commit.content, _after(commit)) != commit.hash:
        yield f"{place}: its hash differs: it, or what it stands on, was changed"


def _after(commit: Commit) -> int | None:
    return None if commit.condition is None else commit.condition.after
