"""The events of a row, as the base classes of the events that each table has of its own.

They are events of no log themselves: `isinstance(record.event, RowChanged)` is true of the rows of every table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from backstory.errors import UnreadableEvent
from backstory.values.event import Event, Unknown

Fields = dict[str, Any]
"""The fields of a row, as JSON has them."""


class RowEvent(Event, abstract=True, kw_only=True, omit_defaults=True):
    """An event of one row. `takes` and `frees` are the digests of unique values that it gives to the row, and ends."""

    tells_without_data: ClassVar[bool] = True
    key: str
    takes: tuple[str, ...] = ()
    frees: tuple[str, ...] = ()


class RowInserted(RowEvent, abstract=True, kw_only=True):
    """A row is there, with all of these fields."""

    row: Fields


class RowChanged(RowEvent, abstract=True, kw_only=True):
    """Fields have other values: those of `set` these, null is one; those of `unset` none."""

    set: Fields = msgspec.field(default_factory=dict)
    unset: tuple[str, ...] = ()


class RowDeleted(RowEvent, abstract=True, kw_only=True):
    """The row is gone. It had these fields."""

    row: Fields


def after(event: RowEvent | Unknown, row: Mapping[str, Any] | None) -> Fields | None:
    """The fields of a row after an event; None if the row is gone. `UnreadableEvent` for withheld data."""
    if isinstance(event, RowInserted):
        return dict(event.row)
    if isinstance(event, RowDeleted):
        return None
    if isinstance(event, Unknown):
        raise UnreadableEvent(f"{event.type}: {event.why}, so nobody knows the row after it")
    assert isinstance(event, RowChanged)
    fields = {**(row or {}), **event.set}
    for name in event.unset:
        fields.pop(name, None)
    return fields


_encode = msgspec.json.Encoder(order="sorted").encode


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same: `1`, `1.0` and `true` are three, and the order of keys does not count."""
    return one is other or _encode(one) == _encode(other)


def json_of(value: Any) -> bytes:
    """The one text of a JSON value."""
    return _encode(value)
