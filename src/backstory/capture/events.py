"""From rows of the outbox to the events of rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from backstory.capture.described import Captured
from backstory.capture.forms import rows_of, split
from backstory.capture.outbox import COPY, Layout, Taken
from backstory.rows.events import Fields, RowEvent, same
from backstory.rows.kinds import Kind, kind

Side: TypeAlias = "tuple[str, Fields] | None"
"""The key and the fields of a row, before or after."""


class Change(NamedTuple):
    """A change of the row of one key: the row before and after."""

    taken: Taken
    captured: Captured
    old: Side
    new: Side

    @property
    def row(self) -> tuple[str, str]:
        """The table, and the key."""
        return self.captured.name, (self.new or self.old or ("",))[0]


def changes_of(taken: Taken, captured: Captured) -> Iterator[Change]:
    """The changes that a row of the outbox says: one, or two where the key of a row has changed."""
    was, now = rows_of(taken, captured)
    old = None if was is None else split(was, captured)
    new = None if now is None else split(now, captured)
    if old is not None and new is not None and old[0] != new[0]:
        yield Change(taken, captured, old, None)
        old = None
    yield Change(taken, captured, old, new)


def inserted_again(changes: Iterable[Change]) -> dict[tuple[str, str], Change]:
    """The rows that are inserted after something else was recorded of them: their order takes a look at the log."""
    seen: set[tuple[str, str]] = set()
    found: dict[tuple[str, str], Change] = {}
    for change in changes:
        if change.old is None and change.row in seen:
            found.setdefault(change.row, change)
        seen.add(change.row)
    return found


def in_order(changes: Iterable[Change], there: Collection[tuple[str, str]]) -> list[Change]:
    """The order in which changes of a transaction were made. `there` has the rows that were there before them all, of
    those that are `inserted_again`.

    A trigger of the application's that writes the same row again is recorded before the statement that it is a trigger
    of, and so is what a statement does after its `WITH`; and one statement may let rows change their keys. So a change
    that does not go on from the one before it is placed before that one, if that one goes on from it.
    """
    order: list[Change] = []
    of_row: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        known = of_row.setdefault(change.row, [])
        place = _place(known, change, change.row in there)
        if place < len(known):
            later = known[place]
            order.insert(next(at for at in range(len(order) - 1, -1, -1) if order[at] is later), change)
        else:
            order.append(change)
        known.insert(place, change)
    return order


def _place(known: Sequence[Change], change: Change, was_there: bool) -> int:
    """The place of a change among those of its row. SQLite may insert a row that is there, in its place."""
    if not known or known[-1].new == change.old:
        return len(known)
    place = len(known) - 1
    while place and known[place].old == known[place - 1].new:
        place -= 1
    if known[place].old != change.new:
        return len(known)
    is_new = change.old is None and change.new is not None
    if is_new and (known[place - 1].new is not None if place else was_there):
        return len(known)
    return place


def events_of(old: Side, new: Side, captured: Captured) -> Iterator[RowEvent]:
    """The event; none if nothing has changed that is kept."""
    made = kind(captured.history)
    if old is not None and new is not None:
        yield from _changed(made, new[0], old[1], new[1])
        return
    if old is not None:
        key, fields = old
        yield (
            made.changed(key=key, unset=tuple(fields)) if captured.part else made.deleted(key=key, row=fields)
        )
    if new is not None:
        yield _begun(made, new, captured)


def compared(
    taken: Taken, old: Side, new: Side, layout: Layout, now: Mapping[str, Fields | None]
) -> Iterator[RowEvent]:
    """The events of a row that the log may not know yet, or may know already. `now` has the rows of the log by key."""
    captured = layout.captured
    made = kind(captured.history)
    if taken.op != COPY:
        if old is not None and _is_unknown(now[old[0]], old[1], captured):
            yield _begun(made, old, captured)
        yield from events_of(old, new, captured)
        return
    assert new is not None
    key, fields = new
    known = now[key] or {}
    if _is_unknown(now[key], fields, captured):
        yield _begun(made, new, captured)
        known = {name: value for name, value in known.items() if name in layout.gone}
        fields = {}
    was = {name: known[name] for name in (*fields, *layout.gone) if name in known}
    yield from _changed(made, key, was, fields)


def _begun(made: Kind, side: tuple[str, Fields], captured: Captured) -> RowEvent:
    key, fields = side
    return made.changed(key=key, set=fields) if captured.part else made.inserted(key=key, row=fields)


def _is_unknown(known: Fields | None, fields: Fields, captured: Captured) -> bool:
    return known is None or (captured.part and not any(name in known for name in fields))


def _changed(made: Kind, key: str, was: Fields, now: Fields) -> Iterator[RowEvent]:
    changes = {name: value for name, value in now.items() if name not in was or not same(was[name], value)}
    gone = tuple(name for name in was if name not in now)
    if changes or gone:
        yield made.changed(key=key, set=changes, unset=gone)
