"""Copying a whole store into another one, of any kind: every log with its number, then every branch and mark.

Ids, times, positions and hashes are the same afterwards. Which refs go along is said in `refs.py`: snapshots stay
behind, which are caches, and so does what is the source's own, such as its id.

What the target holds already must be the beginning of the source, so a clone that was cut off goes on, and one that is
done brings over what is new:

    logs                each is the beginning of the source's log of that number, on the same origin
    branches and marks  are as in the source, or its reflog tells of that name: then they follow what it did with them.
                        Were it the target's doing, the target's own reflog would tell, and not be as in the source.
    the reflog          is as in the source: nothing tells whose change it was

Else nothing is written at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from backstory.commit import ORIGIN, Head
from backstory.errors import StoreError, StoreExists
from backstory.history.branches import Branches
from backstory.history.verify import ref_problems
from backstory.refs import BRANCH, MARK, REFLOG, travels
from backstory.store import Store, create_log, set_ref
from backstory.sync.source import Progress, no_progress
from backstory.sync.stretch import Stretch, copied, holds

BATCH = 1000
"""Events per transaction: a sync to disk costs little for each, and so many are in memory at once."""


class Cloned(msgspec.Struct):
    """What a clone did: commits and events that it brought, events that were there before, refs that it set.

    The reflog's are not counted. `branches` (main is one) and `marks` are all that the source has; `head` is main's.
    """

    branches: int = 0
    marks: int = 0
    commits: int = 0
    events: int = 0
    known: int = 0
    refs: int = 0
    head: Head = ORIGIN


class Change(msgspec.Struct, frozen=True):
    """A ref of the target that is to be set, from what it is to what it is in the source; None where there is none."""

    name: str
    old: str | None
    new: str | None


def clone(source: Store, target: Store, *, progress: Progress = no_progress, batch: int = BATCH) -> Cloned:
    """Copy all of `source` into `target`, whose history must be empty or the beginning of the source's.

    The source may be written to meanwhile: what is copied is as it was at the beginning. Every commit is checked
    before it goes in. Raises `StoreExists` where the target has something of its own, `StoreCorrupt` where the source
    is not what was written, and other errors of the stores; clone again, and it goes on where it stopped.
    """
    if source is target:
        raise StoreExists("the source and the target are one store: there is nothing to copy")
    # In this order: refs point at logs that are there already, and logs and marks stand on commits that are. Who writes
    # to the source meanwhile cannot leave the target with a branch whose log, or a mark whose commit, came too late.
    refs = refs_of(source)
    stretches = stretches_of(source)
    reached = beginnings(source, target, stretches)
    changes = list(changes_of(source, refs, target))

    reflog = refs.get(REFLOG)
    counted = [stretch for stretch in stretches if str(stretch.number) != reflog]
    report = Cloned(
        branches=1 + sum(name.startswith(BRANCH) for name in refs),
        marks=sum(name.startswith(MARK) for name in refs),
        known=sum(
            reached[each.number].position - each.origin.position for each in counted if each.number in reached
        ),
        refs=len(changes),
        head=stretches[0].head,
    )
    total = sum(stretch.size for stretch in counted)
    for stretch in stretches:
        at = reached.get(stretch.number) or made(target, stretch)
        logs = source.log(stretch.number), target.log(stretch.number)
        for commits in copied(*logs, stretch, at, batch):
            if stretch in counted:
                report.commits += len(commits)
                report.events += sum(commit.size for commit in commits)
                progress("copying", report.known + report.events, total)
    check(target, stretches)
    for problem in ref_problems(source):
        raise StoreError(
            f"the logs are copied, but no branches and marks: in the source, {problem};"
            " see what else is wrong with: backstory verify"
        )
    # Last: a clone that was cut off has no branches yet, and cannot be taken for a whole one.
    for change in changes:
        if not set_ref(target, change.name, change.new, old=change.old):
            raise StoreError(
                f"{change.name} of the target was set by somebody else meanwhile; see by whom, and clone again"
            )
    return report


def refs_of(store: Store) -> dict[str, str]:
    """The refs that travel."""
    return {name: value for name, value in store.refs.list().items() if travels(name)}


def stretches_of(source: Store) -> list[Stretch]:
    """Every log of the source, as it is now. Raises `StoreError` where a number is missing."""
    numbers = list(source.logs())
    if numbers != list(range(len(numbers))):
        missing = next(number for number in range(len(numbers)) if number != numbers[number])
        raise StoreError(
            f"the source has no log {missing}, but a later one: a copy could not have the same numbers"
        )
    return [Stretch(number, source.origin(number), source.log(number).head()) for number in numbers]


def beginnings(source: Store, target: Store, stretches: list[Stretch]) -> dict[int, Head]:
    """Where each log of the target ends. Raises `StoreExists` where one is not the beginning of the source's."""
    reached: dict[int, Head] = {}
    for number in target.logs():
        head = target.log(number).head()
        if number >= len(stretches):
            raise foreign(f"log {number}, which the source has not")
        stretch = stretches[number]
        if target.origin(number) != stretch.origin:
            raise foreign(f"a log {number} that stands on another commit")
        if not holds(source.log(number), stretch, head):
            raise foreign(f"commits in {stretch.name} that the source has not; it ends at #{head.position}")
        reached[number] = head
    return reached


def changes_of(source: Store, refs: Mapping[str, str], target: Store) -> Iterator[Change]:
    """The refs that the target must get. Raises `StoreExists` where one may be its own."""
    there = refs_of(target)
    for name in sorted(refs.keys() | there.keys()):
        change = Change(name, there.get(name), refs.get(name))
        if change.old == change.new:
            continue
        if change.old is not None and not told(source, name):
            raise foreign(
                f"the ref {name}, which is {'another' if change.new else 'not there'} in the source"
            )
        yield change


def told(source: Store, ref: str) -> bool:
    """Whether the reflog of the source tells what happened to a branch or a mark of this name."""
    kind, slash, name = ref.partition("/")
    if kind + slash not in (BRANCH, MARK):
        return False
    return next(Branches(source).reflog.read(name), None) is not None


def made(target: Store, stretch: Stretch) -> Head:
    """Where a log that was just made ends. Raises `StoreError` where it got another number."""
    number = create_log(target, stretch.origin)
    if number != stretch.number:
        raise StoreError(
            f"the target made log {number} where {stretch.number} was next: somebody else writes to it;"
            " clone into a store of its own"
        )
    return stretch.origin


def check(target: Store, stretches: list[Stretch]) -> None:
    """Raise `StoreError` where a log does not end as the source's."""
    for stretch in stretches:
        head = target.log(stretch.number).head()
        if head != stretch.head:
            raise StoreError(
                f"{stretch.name} of the target ends at #{head.position} ({head.hash.hex()[:10]}), and not at"
                f" #{stretch.head.position} ({stretch.head.hash.hex()[:10]}): somebody else writes to it"
            )


def foreign(what: str) -> StoreExists:
    """The error of a target that is not the beginning of the source."""
    return StoreExists(f"the target has {what}; clone into a new store")
