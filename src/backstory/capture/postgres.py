"""The outbox and the triggers in PostgreSQL.

One function serves all tables: it takes whole rows, so no column that is added, renamed or dropped makes a write of the
application fail. Its settings make the texts of values the same in every session.
"""

from __future__ import annotations

from importlib.resources import files

from backstory.capture.described import Captured, Column, literal, quoted
from backstory.errors import DefinitionError
from backstory.rows.forms import Kind
from backstory.tables import Transaction

SETTINGS = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "iso_8601",
    "extra_float_digits": "1",
    "bytea_output": "hex",
}
"""The settings of a session that change the texts of values."""

STATEMENTS = (files("backstory.capture") / "postgres.sql").read_text(encoding="utf-8").split("\n--\n")
"""The statements that make the outbox and the function."""

KINDS: dict[str, Kind] = {
    "bytea": "bytes",
    "numeric": "decimal",
    "float4": "float",
    "float8": "float",
    "timestamp": "datetime",
    "timestamptz": "instant",
    "date": "date",
    "time": "time",
    "interval": "duration",
    "uuid": "uuid",
    "json": "json",
    "jsonb": "json",
}
"""The kinds of types, where nobody says another one."""

PLAIN = {
    *KINDS.keys() - {"interval"},
    *("bool", "int2", "int4", "int8", "text", "varchar", "bpchar", "name", "inet", "cidr"),
}
"""Types whose values have one text in each session that has not asked for shorter floats, or for other bytes."""

COLUMNS = """
SELECT a.attname, CASE WHEN coalesce(e.typtype, t.typtype) = 'e' THEN 'text' ELSE t.typname END, c.relkind,
    a.attgenerated::text
FROM pg_attribute a
JOIN pg_type t ON t.oid = a.atttypid JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
WHERE a.attrelid = to_regclass(?) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""

TYPES = """
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped
"""

TRIGGERS = """
SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger
WHERE tgrelid = to_regclass(?) AND NOT tgisinternal AND tgenabled <> 'D'
"""

PARTITIONED = "p"


def place(table: Captured) -> str:
    """The table in SQL."""
    return f"{quoted(table.schema)}.{quoted(table.table)}" if table.schema else quoted(table.table)


def columns(tx: Transaction, table: Captured) -> list[Column]:
    """The columns that the table has now, and what their types mean."""
    found = tx.rows(COLUMNS, (place(table),))
    if not found:
        raise DefinitionError(f"there is no table {table.name} to be captured")
    return [
        Column(name, "", KINDS.get(type.removeprefix("_"), "")) for name, type, _, _ in found
    ]  # "_" begins that of an array


def virtual(tx: Transaction, table: Captured) -> list[str]:
    """The columns that have no values in a trigger: PostgreSQL computes them when they are read."""
    return [name for name, _, _, generated in tx.rows(COLUMNS, (place(table),)) if generated == "v"]


def triggers(tx: Transaction, table: Captured) -> dict[str, str]:
    """The statements of the triggers that are there, by what they record."""
    found = tx.rows(TRIGGERS, (place(table),))
    return {
        name.removeprefix("backstory_").upper(): sql for name, sql in found if name.startswith("backstory_")
    }


def drop(tx: Transaction, table: Captured) -> None:
    """Drop its triggers."""
    for event in ("insert", "update", "delete", "truncate"):
        tx.execute(f"DROP TRIGGER IF EXISTS backstory_{event} ON {place(table)}")


def types(tx: Transaction, table: Captured) -> dict[str, str]:
    """The types of its columns in SQL."""
    return dict(tx.rows(TYPES, (place(table),)))


def left_out(table: Captured) -> str:
    """The columns that are left out, as SQL for the text of an array; empty for none."""
    names = ",".join('"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"' for name in table.left_out)
    return literal(f"{{{names}}}") if names else "''"


def create(tx: Transaction, table: Captured, layout: int, home: str) -> None:
    """Make its triggers. A partitioned table has triggers on each row, which its partitions have, too."""
    found = tx.rows(COLUMNS, (place(table),))
    is_partitioned = found[0][2] == PARTITIONED
    is_plain = not table.left_out and all(type.removeprefix("_") in PLAIN for _, type, _, _ in found)
    record = f"EXECUTE FUNCTION {quoted(home)}.record('{layout}', {left_out(table)})"
    changed = f"EXECUTE FUNCTION {quoted(home)}.changed('{layout}')" if is_plain else record
    for event, side in (("INSERT", "NEW"), ("DELETE", "OLD")):
        how = (
            "FOR EACH ROW"
            if is_partitioned
            else f"REFERENCING {side} TABLE AS backstory_rows FOR EACH STATEMENT"
        )
        tx.execute(f"CREATE TRIGGER backstory_{event.lower()} AFTER {event} ON {place(table)} {how} {record}")
    tx.execute(f"CREATE TRIGGER backstory_update AFTER UPDATE ON {place(table)} FOR EACH ROW {changed}")
    tx.execute(
        f"CREATE TRIGGER backstory_truncate BEFORE TRUNCATE ON {place(table)} FOR EACH STATEMENT {record}"
    )


def home_sql(home: str) -> list[str]:
    """The statements that make the outbox and the function."""
    settings = " ".join(f"SET {name} = {literal(value)}" for name, value in SETTINGS.items())
    return [each.format(home=quoted(home), settings=settings) for each in STATEMENTS]
