"""Taking back what happened to rows: the events that would do it, for an application that writes them to its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from backstory.errors import RevertError
from backstory.rows.events import RowEvent
from backstory.rows.kinds import table_of
from backstory.values.links import REVERTS

if TYPE_CHECKING:
    from backstory.database import Database
    from backstory.history.refs.revision import Revision


class Undone(msgspec.Struct, frozen=True):
    """The events of rows that undo some commits, each with the name of its history, and the metadata to say with
    them, by which `log` and the pages know what was reverted."""

    events: tuple[tuple[str, RowEvent], ...]
    metadata: dict[str, Any]


def undone(db: Database, commits: Revision, *, force: bool = False) -> Undone:
    """The events that would undo a commit, or those of a range `a..b`, as `db.revert` would append them.

    Nothing is appended: the application's database has the rows, so they are written there, and captured. Drain before.
    Raises `RevertError` if later commits own the fields, unless `force`, and if there are other events than of rows.
    """
    with db.what_if() as trial:
        made = trial.revert(commits, force=force)
        if made is None:
            return Undone((), {})
        found = [(table_of(record.type), record.event) for record in trial.events(made)]
    if any(history is None for history, _ in found):
        raise RevertError("there are other events than those of rows to undo: db.revert does that")
    return Undone(
        tuple((history or "", event) for history, event in found), {REVERTS: made.metadata[REVERTS]}
    )
