"""From rows of the outbox to the events of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from backstory.capture.described import Captured
from backstory.capture.forms import rows_of, split
from backstory.capture.outbox import COPY, Taken
from backstory.rows.events import Fields, RowEvent, same
from backstory.rows.kinds import Kind, kind

Side: TypeAlias = "tuple[str, Fields] | None"
"""The key and the fields of a row, before or after."""


def sides(taken: Taken, captured: Captured) -> tuple[Side, Side]:
    """The row before and after."""
    old = None if taken.old is None else split(rows_of(taken.old, captured), captured)
    new = None if taken.new is None else split(rows_of(taken.new, captured), captured)
    return old, new


def in_order(changes: Sequence[tuple[str, Side, Side]]) -> list[int]:
    """The order in which changes of a transaction were made, as their numbers; each has its table, and the row before
    and after.

    A trigger of the application's that writes the same row again is recorded before the statement that it is a trigger
    of, and so is what a statement does after its `WITH`. So a change that does not go on from the one before it is
    placed before that one, if that one goes on from it.
    """
    order: list[int] = []
    of_row: dict[tuple[str, str], list[int]] = {}
    for number, (table, old, new) in enumerate(changes):
        key = (new or old or ("",))[0]
        known = of_row.setdefault((table, key), [])
        place = _place(
            [(_at(key, changes[each][1]), _at(key, changes[each][2])) for each in known], _at(key, old), new
        )
        if place < len(known):
            order.insert(order.index(known[place]), number)
        else:
            order.append(number)
        known.insert(place, number)
        if old is not None and old[0] != key:
            of_row.setdefault((table, old[0]), []).append(number)
    return order


def _at(key: str, side: Side) -> Side:
    return side if side is not None and side[0] == key else None


def _place(known: Sequence[tuple[Side, Side]], old: Side, new: Side) -> int:
    """The place of a change among those of its row."""
    if not known or known[-1][1] == old:
        return len(known)
    place = len(known) - 1
    while place and known[place][0] == known[place - 1][1]:
        place -= 1
    return place if known[place][0] == new else len(known)


def events_of(old: Side, new: Side, captured: Captured) -> Iterator[RowEvent]:
    """The events: mostly one, none if nothing has changed that is kept, two where the key of a row has changed."""
    made = kind(captured.history)
    if old is not None and new is not None and old[0] == new[0]:
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
    taken: Taken, old: Side, new: Side, captured: Captured, now: Mapping[str, Fields | None]
) -> Iterator[RowEvent]:
    """The events of a row that the log may not know yet, or may know already. `now` has the rows of the log by key."""
    made = kind(captured.history)
    if taken.op != COPY:
        if old is not None and _is_unknown(now[old[0]], old[1], captured):
            yield _begun(made, old, captured)
        yield from events_of(old, new, captured)
        return
    assert new is not None
    key, fields = new
    known = now[key]
    if _is_unknown(known, fields, captured):
        yield _begun(made, new, captured)
    else:
        yield from _changed(
            made, key, {name: (known or {})[name] for name in fields if name in (known or {})}, fields
        )


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
