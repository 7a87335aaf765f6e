"""Rows as triggers wrote them: the values of their columns, then a key and fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backstory.capture.described import Captured, Column
from backstory.capture.outbox import Taken
from backstory.capture.reading import row_of
from backstory.capture.sqlite import values_of
from backstory.rows.events import Fields
from backstory.rows.forms import formed
from backstory.rows.keys import key_of
from backstory.rows.texts import value_of


def rows_of(taken: Taken, captured: Captured) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The values of a row by column, before and after, as triggers wrote them."""
    new = None if taken.new is None else _values(row_of(taken.new), captured)
    if taken.old is None:
        return None, new
    found = row_of(taken.old)
    if isinstance(found, dict) or new is None:
        return _values(found, captured), new
    kept = zip(captured.columns, values_of(found, len(captured.columns)), strict=True)
    return {
        column.name: new[column.name] if was is None else _unpacked(was[0], column) for column, was in kept
    }, new


def _values(found: Any, captured: Captured) -> dict[str, Any]:
    if isinstance(found, dict):
        return found
    values = values_of(found, len(captured.columns))
    return {
        column.name: _unpacked(value, column) for column, value in zip(captured.columns, values, strict=True)
    }


def _unpacked(value: Any, column: Column) -> Any:
    """A value of SQLite's, which keeps JSON as text."""
    if column.kind == "json" and isinstance(value, str):
        return value_of(value)
    if isinstance(value, dict):
        return float(value["r"]) if "r" in value else bytes.fromhex(value["b"])
    return value


def split(values: Mapping[str, Any], captured: Captured) -> tuple[str, Fields]:
    """The key of a row, and its fields. Those of a key that is one column are not repeated."""
    known = {column.name: column for column in captured.columns}
    made = {}
    for name, value in values.items():
        column = known.get(name) or Column(name)
        made[name] = column.field, formed(value, column.kind, column.scale)
    key = key_of(*(made[name][1] for name in captured.key))
    leave = captured.key if captured.is_keyed_by_one else ()
    return key, {field: value for name, (field, value) in made.items() if name not in leave}
