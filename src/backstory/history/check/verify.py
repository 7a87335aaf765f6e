"""Checks a history: computes every hash again, and checks every position and index.

All parts of a sound store fit together. Only a head that was kept shows that nothing was cut off or replaced:
`heads.py`. `docs/design/verify.md` says what is proven.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain as concatenated
from typing import TypeVar

import msgspec

from backstory.errors import BranchError, InvalidEvent, StoreCorrupt, StoreError, UnknownRevision
from backstory.history.check.heads import KeptHead, head_problems, kept, since_problems
from backstory.history.refs.branches import MAIN, Branches, mark_of, number_of
from backstory.refs import BRANCH, MARK, REFLOG
from backstory.store import Log, Store
from backstory.values.commit import Commit, Head, content_hash
from backstory.values.event_data import RecordedEvent
from backstory.values.hashes import commit_hash

Placed = TypeVar("Placed", Commit, RecordedEvent)

DAMAGED = (AttributeError, TypeError, OverflowError, InvalidEvent)
"""Errors of checking a commit whose types, or the form of whose secret, the store did not check."""


class Verification(msgspec.Struct):
    """The result of `verify`: the counts of checked items, and every problem, in words that name the place.

    `commits` and `events` are main's; `others` counts the other logs, of branches and the reflog. `head` is that of
    the branch that was asked for, as it was before anything was looked at; None if it cannot be read.
    """

    commits: int = 0
    events: int = 0
    head: Head | None = None
    others: int = 0
    problems: list[str] = []

    @property
    def sound(self) -> bool:
        """Whether nothing was wrong."""
        return not self.problems


def verify(
    store: Store,
    *,
    branch: str = MAIN,
    head: str | None = None,
    since: str | None = None,
    most: int = 20,
    progress: Callable[[int], None] | None = None,
) -> Verification:
    """Check every log of a store, the commits of branches and marks, and the indexes. Stops after `most` problems.

    `head` and `since` are heads of `branch` that were kept earlier, each as `heads.written` gives it: with `head` the
    branch must end; `since` must still be a commit of it, at the same place, and more may come after it. Raises
    `UnknownRevision` if one is not written like this, or if there is no such branch.

    Memory is that of the largest commit. `progress` is called with main's position that was reached, once a commit.
    """
    last, earlier = (None if text is None else kept(text) for text in (head, since))
    report = Verification()
    found = concatenated(
        kept_problems(Branches(store), branch, last, earlier, report),
        log_problems(store, 0, report, progress),
        other_problems(store, report),
        ref_problems(store),
        store.problems(),
    )
    for problem in found:
        report.problems.append(problem)
        if len(report.problems) >= most:
            break
    return report


def kept_problems(
    branches: Branches, name: str, last: KeptHead | None, since: KeptHead | None, report: Verification
) -> Iterator[str]:
    """Find the head of a branch, and compare it with heads that were kept. Its history is walked later."""
    try:
        log = branches.log(name)
        report.head = head = log.head()
        if last is not None:
            yield from head_problems(log, head, name, last)
        if since is not None:
            yield from since_problems(log, head, name, since)
    except StoreError as error:
        yield f"the head of {name} cannot be read: {error}"
    except UnknownRevision:
        if name != MAIN:
            raise
        yield "there is no branch main"


def log_problems(
    store: Store, number: int, report: Verification, progress: Callable[[int], None] | None = None
) -> Iterator[str]:
    """Find a log and its origin, and walk it."""
    try:
        log, origin = store.log(number), store.origin(number)
    except KeyError:
        yield f"log {number} is in the list of logs, and is not there"
    except StoreError as error:
        yield str(error)
    else:
        yield from chain_problems(log, origin, report, progress)


def other_problems(store: Store, report: Verification) -> Iterator[str]:
    """Walk the logs of branches, also of deleted ones, and the reflog."""
    try:
        numbers = [number for number in store.logs() if number != 0]
    except StoreError as error:
        yield str(error)
        return
    for number in numbers:
        report.others += 1
        yield from (f"log {number}: {problem}" for problem in log_problems(store, number, Verification()))


def ref_problems(store: Store) -> Iterator[str]:
    """Find the log of each branch, with each log below that it stands on, the commit of each mark, and the reflog."""
    branches = Branches(store)
    try:
        refs = {name: text for prefix in (BRANCH, MARK) for name, text in store.refs.list(prefix).items()}
        number = store.refs.get(REFLOG)
        if number is not None and number not in map(str, store.logs()[1:]):
            yield f"the reflog is said to be log {number!r}, which is not there"
    except StoreError as error:
        yield str(error)
        return
    for ref, text in refs.items():
        kind, _, name = ref.partition("/")
        try:
            if ref.startswith(BRANCH):
                branches.view(branches.chain(number_of(name, text)))
            else:
                branches.marked(mark_of(name, text))
        except (StoreError, BranchError) as error:
            yield f"{kind} {name} leads nowhere: {error}"


def chain_problems(
    log: Log, origin: Head, report: Verification, progress: Callable[[int], None] | None = None
) -> Iterator[str]:
    """Walk commits and events side by side, up to the head as it is now, and name each part that does not fit."""
    parent = origin
    waiting: RecordedEvent | None = None
    try:
        upto = log.head().position
        events = rising(log.read(upto=upto))
        for commit in rising(log.commits(upto=upto)):
            own: list[RecordedEvent] = []
            while waiting is not None or (waiting := next(events, None)) is not None:
                if waiting.position > commit.position:
                    break
                own.append(waiting)
                waiting = None
            try:
                yield from commit_problems(commit, own, parent)
            except DAMAGED as error:
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


def rising(found: Iterator[Placed]) -> Iterator[Placed]:
    """The items of a log while their positions rise; otherwise it might never end. Raises `StoreCorrupt`."""
    last = 0
    for each in found:
        if each.position <= last:
            raise StoreCorrupt(f"#{each.position} comes after #{last}")
        last = each.position
        yield each


def commit_problems(commit: Commit, events: list[RecordedEvent], parent: Head) -> Iterator[str]:
    """The faults of one commit, given the point that it must stand on. The positions of the events rise."""
    place = f"commit {commit.id} at #{commit.position}"
    if commit.first != parent.position + 1:
        yield f"{place}: it begins at #{commit.first}, the one before ends at #{parent.position}"
    ends = [event.position for event in events[:1] + events[-1:]]
    if len(events) != commit.size or ends != [commit.first, commit.position]:
        yield f"{place}: it has {commit.size} events, but the log has {len(events)} at its positions"
    for event in events:
        if event.commit != commit.position:
            yield f"{place}: event #{event.position} says that its commit is at #{event.commit}"
    if commit.time != max(commit.authored, parent.time):
        yield f"{place}: its time {commit.time.isoformat()} does not follow from its author's and the one before"
    if content_hash(commit, events) != commit.content:
        events_of = f"an event #{commit.first} to #{commit.position}"
        yield f"{place}: its content hash differs: {events_of}, or another part of it, was changed"
    if commit_hash(parent.hash, commit.content, _after(commit)) != commit.hash:
        yield f"{place}: its hash differs: it, or its parent, was changed"


def _after(commit: Commit) -> int | None:
    return None if commit.condition is None else commit.condition.after
