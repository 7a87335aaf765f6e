"""Is this still the history that was written? Recompute every hash, and check every position and index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain as chained

import msgspec

from backstory.commit import Commit, Head, commit_hash, content_hash, events_root
from backstory.errors import BranchError, StoreCorrupt, StoreError
from backstory.history.branches import BRANCH, MARK, Branches, Chain, Mark, head_at
from backstory.history.reflog import REF as REFLOG
from backstory.record import Recorded
from backstory.store import Log, Store


class Report(msgspec.Struct):
    """What `verify` looked at, and every problem that it found, in words that name the place.

    `commits`, `events` and `head` are main's; `others` counts the other logs, of branches and the reflog.
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


def verify(store: Store, *, most: int = 20, progress: Callable[[int], None] | None = None) -> Report:
    """Check every log of a store, what branches and marks stand on, and the indexes. Stops after `most` problems.

    Memory is that of the largest commit. `progress` is called with main's position that was reached, once a commit.
    """
    report = Report()
    found = chained(
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


def other_problems(store: Store, report: Report) -> Iterator[str]:
    """Walk the logs of branches, also of deleted ones, and the reflog."""
    try:
        numbers = store.logs()[1:]
    except StoreError as error:
        yield str(error)
        return
    for number in numbers:
        report.others += 1
        yield from (f"log {number}: {problem}" for problem in log_problems(store, number, Report()))


def ref_problems(store: Store) -> Iterator[str]:
    """Compare what each branch stands on, and what each mark names, with the history below; find the reflog."""
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
        named = ref.replace("/", " ", 1)
        check = branch_problems if ref.startswith(BRANCH) else mark_problems
        try:
            yield from check(branches, named, text)
        except (StoreError, BranchError, KeyError, ValueError, StopIteration, msgspec.MsgspecError) as error:
            yield f"{named} leads nowhere: {error}"


def branch_problems(branches: Branches, named: str, text: str) -> Iterator[str]:
    """Whether each log of a branch stands on the one before."""
    chain = msgspec.json.decode(text, type=Chain)
    if chain[:1] != (0,):
        yield f"{named} does not stand on main"
    for depth, number in enumerate(chain[1:], 1):
        origin = branches.store.origin(number)
        if head_at(branches.view(chain[:depth]), origin.position).hash != origin.hash:
            yield f"{named} stands on another commit at #{origin.position} than it was made on"


def mark_problems(branches: Branches, named: str, text: str) -> Iterator[str]:
    """Whether a mark names the commit that it was made for."""
    mark = msgspec.json.decode(text, type=Mark)
    if head_at(branches.view(mark.chain), mark.position).hash.hex() != mark.hash:
        yield f"{named} names another commit at #{mark.position} than it was made for"


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
        events_of = f"an event #{commit.first} to #{commit.position}"
        yield f"{place}: its content hash differs: {events_of}, or what it says, was changed"
    if commit_hash(parent.hash, commit.content, _after(commit)) != commit.hash:
        yield f"{place}: its hash differs: it, or what it stands on, was changed"


def _after(commit: Commit) -> int | None:
    return None if commit.condition is None else commit.condition.after
