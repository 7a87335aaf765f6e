"""From rows of the outbox to the events of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
