"""Copying all that the names of a store lead to into another store of any kind: ids, times, positions, hashes stay.

- Main, every branch, every mark and the decisions that merges left out (`settled/<branch>`) travel, with exactly the
  commits that they need. The reflog, caches, settings, the source's own values, and logs without a name stay behind.
- A number of a log means something in one store only. So a branch travels as its head, and a log of the target goes on
  where the hash at its end says that it has a beginning of the source's history, and nothing else.
- Names are read first, and then the ends of logs: a branch never comes without its log, or a mark without its commit,
  also if others write to the source meanwhile.
- All names are set last, in one unit. A clone that was cut off leaves logs without a name, and the next one goes on
  there.
- A name follows the source only if the source has every commit that the name led to in the target. Else nothing is
  written: `StoreExists`. The same if main would have to be moved and the target does not allow it.
- A clone brings over new commits and deletes nothing: the names that only the target has stay.
"""

from __future__ import annotations

import msgspec

from backstory.errors import AppendError, StoreError, StoreExists
from backstory.history.refs.branches import MAIN, Branches
from backstory.right import give_up
from backstory.store import Store, write
from backstory.transfer.names import names_of
from backstory.transfer.places import Places
from backstory.transfer.source import Progress, no_progress
from backstory.transfer.stretch import copied
from backstory.transfer.wanted import Wanted
from backstory.unit import SetRef
from backstory.values.commit import ORIGIN, Head

BATCH = 1000
"""Events per transaction: a sync to disk costs little for each, and so many are in memory at once."""


class Cloned(msgspec.Struct):
    """The result of a clone: commits and events that it brought, events that were there before, refs that it set.

    `branches` (main is one) and `marks` are all that the source has; `head` is main's.
    """

    branches: int = 0
    marks: int = 0
    commits: int = 0
    events: int = 0
    known: int = 0
    refs: int = 0
    head: Head = ORIGIN


def clone(source: Store, target: Store, *, progress: Progress = no_progress, batch: int = BATCH) -> Cloned:
    """Copy all that the names of `source` lead to into `target`, and give it these names.

    The source may be written to meanwhile: the copy is of the source as it was at the beginning. Every commit is
    checked before it goes in. Raises `StoreExists` if the target has commits of its own that a name would lose,
    `StoreCorrupt` if the source is damaged, and other errors of the stores; clone again, and it goes on where it
    stopped.
    """
    if source is target:
        raise StoreExists("the source and the target are one store: there is nothing to copy")
    if not target.log().head().position:
        give_up(target)  # its history is one that the source may react to
    names, there = names_of(source), names_of(target)
    stretches = Wanted(Branches(source), names, Branches(target).log(MAIN).head()).stretches()
    places = Places(source, target, names, there, stretches)

    main = next(stretch for stretch in stretches if MAIN in stretch.names)
    report = Cloned(branches=len(names.branches), marks=len(names.marks), head=main.head)
    total = sum(stretch.size for stretch in stretches)
    for stretch in stretches:
        place = places.place(stretch)
        report.known += place.reached.position - stretch.origin.position
        for commits in copied(stretch, target.log(place.number), place.reached, batch):
            report.commits += len(commits)
            report.events += sum(commit.size for commit in commits)
            progress("copying", report.known + report.events, total)
    steps = tuple(places.naming())
    try:
        write(target, *steps)
    except AppendError as why:
        raise StoreError(
            f"the logs are copied, but no name is set, because somebody else writes to the target: {why}; clone again"
        ) from why
    report.refs = sum(isinstance(step, SetRef) and not step.is_guard for step in steps)
    return report
