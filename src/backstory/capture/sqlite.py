"""The outbox and the triggers in SQLite.

A value is written as it is stored, whatever its column says: a number or a text as JSON has them, `{"b": hex}` for
bytes, and `{"r": digits}` for a float, of which `quote` gives all digits and the functions for JSON do not. Of the row
before a change there is `[value]` of each column that has another value now, and null of the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

from backstory.capture.described import Captured, Column, quoted
from backstory.errors import DefinitionError
from backstory.rows.forms import Kind
from backstory.tables import Transaction

TABLES = (files("backstory.capture") / "sqlite.sql").read_text(encoding="utf-8").split(";")[:-1]
"""The statements that make the outbox."""

TRIGGER = """
CREATE TRIGGER {name} AFTER {event} ON {table} {when} BEGIN
    INSERT INTO backstory_outbox (tx, at, layout, op, old, new, author, message, metadata, salt)
    SELECT said.tx, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), {layout}, '{op}', {old}, {new},
        said.author, said.message, said.metadata, random()
    FROM (SELECT 1) LEFT JOIN backstory_said said ON said.only_one = 1;
END
"""

COPY = """
INSERT INTO backstory_outbox (tx, at, layout, op, new, author, message, metadata, salt)
SELECT (SELECT tx FROM backstory_said), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), {layout}, 'C', {row},
    (SELECT author FROM backstory_said), (SELECT message FROM backstory_said), (SELECT metadata FROM backstory_said),
    random()
"""
"""Rows as they are; a table without a name of its own, so that no column of the application's is meant by mistake."""

VALUE = (
    "CASE typeof({0}) WHEN 'text' THEN {0} || '' WHEN 'real' THEN json_object('r', quote({0}))"
    " WHEN 'blob' THEN json_object('b', hex({0})) ELSE {0} END"
)
"""A text is joined with an empty one, because what `json_set` has just given would else be JSON inside of the array."""

PARTS = 100
"""Columns in one array; a row that has more is an array of arrays. A function of SQLite takes at most 127 arguments."""

KINDS: dict[str, Kind] = {
    "BLOB": "bytes",
    "BOOL": "bool",
    "BOOLEAN": "bool",
    "DATETIME": "datetime",
    "TIMESTAMP": "datetime",
    "DATE": "date",
    "TIME": "time",
    "DECIMAL": "decimal",
    "NUMERIC": "decimal",
    "FLOAT": "float",
    "REAL": "float",
    "DOUBLE": "float",
    "JSON": "json",
}
"""The kinds of declared types, where nobody says another one."""

SCALE = re.compile(r",\s*(\d+)\s*\)")
"""The digits after the point in a declared type, `DECIMAL(8, 2)`."""


def columns(tx: Transaction, table: Captured) -> list[Column]:
    """The columns that the table has now, and what their declared types mean."""
    found = tx.rows("SELECT name, type, hidden FROM pragma_table_xinfo(?)", (table.table,))
    if not found:
        raise DefinitionError(f"there is no table {table.name} to be captured")
    return [_column(name, type) for name, type, hidden in found if hidden != 1]


def _column(name: str, type: str) -> Column:
    kind = KINDS.get(type.partition("(")[0].strip().upper(), "")
    digits = SCALE.search(type) if kind == "decimal" else None
    return Column(name, "", kind, int(digits[1]) if digits else None)


def trigger_names(table: Captured) -> dict[str, str]:
    """The names of its triggers, by what they record."""
    return {event: f"backstory_{event.lower()}_{table.table}" for event in ("INSERT", "UPDATE", "DELETE")}


def triggers(tx: Transaction, table: Captured) -> dict[str, str]:
    """The statements of the triggers that are there, by what they record."""
    names = {name: event for event, name in trigger_names(table).items()}
    found = tx.rows(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE",
        (table.table,),
    )
    return {names[name]: sql for name, sql in found if name in names}


def drop(tx: Transaction, table: Captured) -> None:
    """Drop its triggers, also those that have the name that the table had before."""
    found = tx.rows(
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE"
        " AND substr(name, 1, 17) IN ('backstory_insert_', 'backstory_update_', 'backstory_delete_')",
        (table.table,),
    )
    for (name,) in found:
        tx.execute(f"DROP TRIGGER {quoted(name)}")


def create(tx: Transaction, table: Captured, layout: int) -> None:
    """Make its triggers."""
    new, old = (row_of(side, table.columns) for side in ("NEW", "OLD"))
    differs = [
        f"OLD.{name} IS NOT NEW.{name} COLLATE BINARY"
        for name in (quoted(column.name) for column in table.columns)
    ]
    changed = _array(
        f"CASE WHEN {differ} THEN json_array({VALUE.format(f'OLD.{quoted(column.name)}')}) END"
        for differ, column in zip(differs, table.columns, strict=True)
    )
    for event, op, was, now, when in (
        ("INSERT", "I", "NULL", new, ""),
        ("UPDATE", "U", changed, new, f"WHEN {' OR '.join(differs)}"),
        ("DELETE", "D", old, "NULL", ""),
    ):
        name = quoted(trigger_names(table)[event])
        tx.execute(
            TRIGGER.format(
                name=name,
                event=event,
                table=quoted(table.table),
                when=when,
                layout=layout,
                op=op,
                old=was,
                new=now,
            ).strip()
        )


def row_of(side: str, columns: tuple[Column, ...]) -> str:
    """The expression for a row, as the bytes of a JSON array."""
    return _array(VALUE.format(f"{side}.{quoted(column.name)}") for column in columns)


def _array(values: Iterable[str]) -> str:
    found = list(values)
    parts = [f"json_array({', '.join(found[at : at + PARTS])})" for at in range(0, len(found), PARTS)]
    whole = parts[0] if len(parts) == 1 else f"json_array({', '.join(parts)})"
    return f"CAST({whole} AS BLOB)"


def values_of(found: list[Any], columns: int) -> list[Any]:
    """The values of a row of so many columns, from what its array holds."""
    return found if columns <= PARTS else [value for part in found for value in part]
