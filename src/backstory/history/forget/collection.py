"""Collecting logs that nothing needs any more, and the caches of logs that are gone.

A rebase and the deletion of a branch leave a log behind, so that the reflog can bring it back. After some time it may
be dropped, with the commits that only it has.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import msgspec

from backstory.decide.snapshots import SNAPSHOT
from backstory.errors import StillNeeded
from backstory.history.refs.branches import Branches
from backstory.store import write
from backstory.stores.needed import needed_by
from backstory.unit import DropLog

KEPT = timedelta(days=90)
"""For how long the reflog keeps a log from being collected: Git's own default."""


class Unneeded(msgspec.Struct, frozen=True):
    """A log that nothing needs: its number, the point that it stands on, and how many commits and events it has."""

    log: int
    origin: int
    commits: int
    events: int


class Collected(msgspec.Struct, frozen=True):
    """The logs that were dropped or would be, and the number of caches."""

    logs: tuple[Unneeded, ...]
    caches: int


def collect(branches: Branches, *, kept: timedelta = KEPT, dry_run: bool = False) -> Collected:
    """Drop each log that no branch, no mark and no entry of the reflog of the last `kept` names, and stale caches.

    A log that somebody names again meanwhile stays. `dry_run` drops nothing. Nobody may clone into this store
    meanwhile, because the logs that a clone has copied have no names before its end.
    """
    store = branches.store
    recalled = set(_recalled(branches, kept))
    unneeded = list(_unneeded(branches, recalled))
    if not dry_run:
        unneeded = [each for each in unneeded if _dropped(branches, each.log)]
    gone = {each.log for each in unneeded}
    there = {number for number in store.logs() if number not in gone}
    stale = [name for name in store.caches.names(SNAPSHOT) if not _logs_of(name) <= there]
    if not dry_run:
        for name in stale:
            store.caches.set(name, None)
    return Collected(tuple(unneeded), len(stale))


def _recalled(branches: Branches, kept: timedelta) -> Iterator[int]:
    """The logs that the reflog has named lately."""
    since = branches.clock() - kept
    for entry in branches.reflog.read():
        if entry.time < since:
            return
        yield from (entry.details[name] for name in ("was", "log") if name in entry.details)


def _unneeded(branches: Branches, recalled: set[int]) -> Iterator[Unneeded]:
    """Logs that can be dropped, those that stand on others first."""
    store = branches.store
    refs, origins = store.refs.list(), {number: store.origin(number) for number in store.logs()}

    def holding(position: int, hash: bytes) -> list[int]:
        return [number for number in store.holding(position, hash) if number in origins]

    for number in sorted(origins, reverse=True):
        if number in recalled or needed_by(number, refs, origins, holding):
            continue
        origin = origins.pop(number)
        log = store.log(number)
        commits = sum(1 for _ in log.commits())
        yield Unneeded(number, origin.position, commits, log.head().position - origin.position)


def _dropped(branches: Branches, number: int) -> bool:
    try:
        write(branches.store, DropLog(number))
    except StillNeeded:
        return False
    return True


def _logs_of(cache: str) -> set[int]:
    """The logs whose events a snapshot was made of."""
    chain = cache.removeprefix(SNAPSHOT).partition("/")[0]
    return {int(number) if number.isdecimal() else -1 for number in chain.split("-")}
