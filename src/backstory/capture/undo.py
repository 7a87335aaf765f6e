"""Taking back what happened to rows: the events that would do it, for an application that writes them to its tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import msgspec
from msgspec.structs import replace

from backstory.errors import RevertError
from backstory.history.compare.pointer import parse
from backstory.history.merge.owned import Owned, why
from backstory.rows.events import RowChanged, RowEvent
from backstory.rows.kinds import Row, table_of
from backstory.values.links import REVERTS

if TYPE_CHECKING:
    from backstory.database import Database
    from backstory.history.refs.revision import Revision

Place = tuple[str, str]
"""The table of a row, and its key."""


class Undone(msgspec.Struct, frozen=True):
    """The events of rows that undo some commits, each with the name of its history, and the metadata to say with
    them, by which `log` and the pages know what was reverted."""

    events: tuple[tuple[str, RowEvent], ...]
    metadata: dict[str, Any]


def undone(
    db: Database,
    commits: Revision,
    rows: Collection[Row] = (),
    *,
    force: bool = False,
    skip: bool = False,
    by_themselves: Mapping[str, Collection[str]] | None = None,
) -> Undone:
    """The events that would undo a commit, or those of a range `a..b`, as `db.revert` would append them.

    Nothing is appended: the application's database has the rows, so they are written there, and captured. Drain before.
    With `rows`, these alone are undone. `by_themselves` has the fields, by the name of a history, that get their values
    whenever a row is written, such as the time of its last change: nobody owns them, and they are not given back.

    Raises `RevertError` if later commits own the fields, unless `force`, which undoes them all the same, or `skip`,
    which leaves such rows as they are; if one of `rows` was not written; and if there are other events than of rows.
    """
    given = by_themselves or {}
    places = {(row.table, row.key) for row in rows}
    left: set[Place] = set()
    with db.what_if() as trial:
        try:
            made = trial.revert(commits, force=force)
        except RevertError as refused:
            theirs = [one for one in refused.owned if _is_theirs(one, places, given)]
            if not refused.owned or (theirs and not skip):
                raise _told(refused, theirs) from None
            left = {_place(one) for one in theirs if isinstance(one.reference, Row)}
            made = trial.revert(commits, force=True)
        if made is None:
            return Undone((), {})
        found = [(table_of(record.type), cast("RowEvent", record.event)) for record in trial.events(made)]
    if any(history is None for history, _ in found):
        raise RevertError("there are other events than those of rows to undo: db.revert does that")
    events = [(history or "", event) for history, event in found]
    if missing := places - {(history, event.key) for history, event in events}:
        raise RevertError(f"{commits} did nothing to {' '.join(min(missing))}")
    wanted = [
        (history, _without(event, given.get(history, ())))
        for history, event in events
        if (history, event.key) not in left and (not places or (history, event.key) in places)
    ]
    return Undone(
        tuple((history, event) for history, event in wanted if event is not None),
        {REVERTS: made.metadata[REVERTS]},
    )


def _place(one: Owned) -> Place:
    row = cast("Row", one.reference)
    return row.table, row.key


def _is_theirs(one: Owned, places: Collection[Place], given: Mapping[str, Collection[str]]) -> bool:
    """Whether somebody has changed a field of a row that is to be undone."""
    if not isinstance(one.reference, Row):
        return True
    place, path = _place(one), parse(one.pointer)
    return (not places or place in places) and not (len(path) > 1 and path[1] in given.get(place[0], ()))


def _told(refused: RevertError, theirs: Sequence[Owned]) -> RevertError:
    """Why it is refused, by what somebody has changed alone."""
    if not theirs:
        return refused
    return RevertError(f"{why(theirs)}, or leave these rows as they are with skip=True", theirs)


def _without(event: RowEvent, names: Collection[str]) -> RowEvent | None:
    """A change without some fields; None if it has no other."""
    if not isinstance(event, RowChanged) or not names:
        return event
    kept = {name: value for name, value in event.set.items() if name not in names}
    gone = tuple(name for name in event.unset if name not in names)
    return replace(event, set=kept, unset=gone) if kept or gone else None
