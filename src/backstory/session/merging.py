"""A merge, rebase or cherry-pick that a folder remembers until it is done.

Nothing is appended while there is a conflict. The folder keeps the request and the answers so far, so that somebody may
answer commit by commit; everything is judged again each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

import backstory.rows.change  # noqa: F401 - which makes its command known
from backstory.errors import MergeConflict
from backstory.history.merge.merge import MergeReport, Options, cherry_pick, merge, rebase
from backstory.history.refs.revision import resolve, resolve_commit

if TYPE_CHECKING:
    from backstory.session import Session
    from backstory.session.memory import Pending
    from backstory.store import Log


def carried_out(session: Session, pending: Pending, options: Options) -> MergeReport:
    """Do the pending merge. If there is a conflict the folder remembers the merge; if it is done, it forgets it."""
    try:
        report = _acted(session, pending, options)
    except MergeConflict as conflict:
        report = conflict.report
    waits = None if report.done else pending
    if options.writes and waits != session.memory.pending:
        session.remember(replace(session.memory, pending=waits))
    return report


def _acted(session: Session, pending: Pending, options: Options) -> MergeReport:
    branches, source, target = session.branches, pending.source, pending.target
    if pending.verb == "merge":
        return merge(branches, source, target, options)
    if pending.verb == "rebase":
        return rebase(branches, target, resolve(branches, source, target), options)
    return cherry_pick(branches, resolve_commit(branches, source, target)[0], target, options)


def judged(session: Session, pending: Pending) -> tuple[Log, Log]:
    """The log whose commits are judged, and the one that they are judged on; a rebase moves its branch."""
    branches = session.branches
    there = branches.view(resolve(branches, pending.source, pending.target).chain)
    here = branches.log(pending.target)
    return (here, there) if pending.verb == "rebase" else (there, here)
