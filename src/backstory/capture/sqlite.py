"""The outbox and the triggers in SQLite.

A value is written as it is stored, whatever its column says: a number or a text as JSON has them, `{"b": hex}` for
bytes, and `{"r": digits}` for a float, of which `quote` gives all digits and the functions for JSON do not.
"""

from __future__ import annotations

from importlib.resources import files

from backstory.capture.described import Captured, Column, Kind, quoted
from backstory.errors import DefinitionError
from backstory.tables import Transaction

TABLES = (files("backstory.capture") / "sqlite.sql").read_text(encoding="utf-8").split(";")[:-1]
"""The statements that make the outbox."""

TRIGGER = """
CREATE TRIGGER {name} AFTER {event} ON {table} {when} BEGIN
    INSERT INTO backstory_outbox (tx, at, shape, op, old, new, author, message, metadata, salt)
    SELECT said.tx, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), {shape}, '{op}', {old}, {new},
        said.author, said.message, said.metadata, random()
    FROM (SELECT 1) LEFT JOIN backstory_said said ON said.only_one = 1;
END
"""

COPY = """
INSERT INTO backstory_outbox (tx, at, shape, op, new, author, message, metadata, salt)
SELECT (SELECT tx FROM backstory_said), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), {shape}, 'C', {row},
    (SELECT author FROM backstory_said), (SELECT message FROM backstory_said), (SELECT metadata FROM backstory_said),
    random()
"""
"""Rows as they are; a table without a name of its own, so that no column of the application's is meant by mistake."""

VALUE = (
    "CASE typeof({0}) WHEN 'text' THEN json_quote({0}) WHEN 'integer' THEN {0} WHEN 'null' THEN 'null'"
    """ WHEN 'real' THEN '{{"r":"' || quote({0}) || '"}}' ELSE '{{"b":"' || hex({0}) || '"}}' END"""
)

PARTS = 40
"""Columns that one expression joins: SQLite's parser takes no expression that is nested more than 1,000 deep."""

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


def columns(tx: Transaction, table: Captured) -> list[tuple[str, Kind]]:
    """The columns that the table has now, and what their declared types mean."""
    found = tx.rows("SELECT name, type, hidden FROM pragma_table_xinfo(?)", (table.table,))
    if not found:
        raise DefinitionError(f"there is no table {table.name} to be captured")
    return [
        (name, KINDS.get(type.partition("(")[0].strip().upper(), ""))
        for name, type, hidden in found
        if hidden != 1
    ]


def trigger_names(table: Captured) -> dict[str, str]:
    """The names of its triggers, by what they record."""
    return {
        event: quoted(f"backstory_{event.lower()}_{table.table}") for event in ("INSERT", "UPDATE", "DELETE")
    }


def triggers(tx: Transaction, table: Captured) -> dict[str, str]:
    """The statements of the triggers that are there, by what they record."""
    names = {name.strip('"').replace('""', '"'): event for event, name in trigger_names(table).items()}
    found = tx.rows(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE",
        (table.table,),
    )
    return {names[name]: sql for name, sql in found if name in names}


def drop(tx: Transaction, table: Captured) -> None:
    """Drop its triggers."""
    for name in trigger_names(table).values():
        tx.execute(f"DROP TRIGGER IF EXISTS {name}")


def create(tx: Transaction, table: Captured, shape: int) -> None:
    """Make its triggers."""
    new, old = (row_of(side, table.columns) for side in ("NEW", "OLD"))
    differs = " OR ".join(
        f"NEW.{quoted(column.name)} IS NOT OLD.{quoted(column.name)}" for column in table.columns
    )
    for event, op, was, now, when in (
        ("INSERT", "I", "NULL", new, ""),
        ("UPDATE", "U", old, new, f"WHEN {differs}"),
        ("DELETE", "D", old, "NULL", ""),
    ):
        name = trigger_names(table)[event]
        tx.execute(
            TRIGGER.format(
                name=name,
                event=event,
                table=quoted(table.table),
                when=when,
                shape=shape,
                op=op,
                old=was,
                new=now,
            ).strip()
        )


def row_of(side: str, columns: tuple[Column, ...]) -> str:
    """The expression for a row, as the bytes of a JSON array."""
    values = [VALUE.format(f"{side}.{quoted(column.name)}") for column in columns]
    parts = [" || ',' || ".join(values[at : at + PARTS]) for at in range(0, len(values), PARTS)]
    joined = " || ',' || ".join(f"({part})" for part in parts)
    return f"CAST('[' || {joined} || ']' AS BLOB)"
