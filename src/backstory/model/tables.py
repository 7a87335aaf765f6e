"""The tables of a projection, as SQLite understands its SQL, and the columns that its statements write."""

from __future__ import annotations

import ast
import re
from types import FunctionType

import apsw

from backstory.errors import DefinitionError
from backstory.model.code import Code, looked_up
from backstory.model.elements import Field, Table
from backstory.projections.projection import Projection

COLUMNS = """
SELECT m.name, c.name, c.type, c.[notnull],
    (c.pk = 1 AND c.type LIKE 'integer') OR c.dflt_value LIKE 'current_%' OR c.dflt_value LIKE '%(%'
FROM sqlite_schema m JOIN pragma_table_info(m.name) c"""
"""The last one says whether SQLite gives the column a value by itself: the number of a row, a time, a calculation."""

OWN_TABLES = " WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.rowid, c.cid"
INSERT = re.compile(
    r"^\s*(?:INSERT|REPLACE)(?:\s+OR\s+\w+)?\s+INTO\s+\"?(\w+)\"?\s*(?:\(([^)]*)\))?\s*(?:VALUES|SELECT|DEFAULT)",
    re.IGNORECASE,
)


def tables(projection: Projection, code: Code) -> list[Table]:
    """The tables, each with its columns; none if SQLite does not understand the SQL that makes them."""
    try:
        schema = projection.schema("sqlite")
        connection = apsw.Connection(":memory:")
        connection.execute(schema)
    except (apsw.Error, DefinitionError, NotImplementedError):
        return []
    written = _written(projection, code, connection)
    found: dict[str, list[Field]] = {}
    for table, name, kind, required, by_itself in connection.execute(COLUMNS + OWN_TABLES):
        filled = (
            None
            if written is None
            else bool(by_itself) or not {(table, "*"), (table, name)}.isdisjoint(written)
        )
        found.setdefault(table, []).append(Field(name, kind, bool(required), filled=filled))
    return [Table(name, columns) for name, columns in found.items()]


def _written(projection: Projection, code: Code, connection: apsw.Connection) -> set[tuple[str, str]] | None:
    """The columns that its statements write; `*` for a whole row. None if a statement cannot be read."""
    statements = _statements(projection, code)
    if not statements:
        return None
    found: set[tuple[str, str]] = set()
    named = ""
    """The table of a statement whose text names the columns; of others, such as those of triggers, all are meant."""

    def seen(operation: int, table: str | None, column: str | None, _: str | None, __: str | None) -> int:
        if operation == apsw.SQLITE_UPDATE and table and column:
            found.add((table, column))
        elif operation == apsw.SQLITE_INSERT and table and table != named:
            found.add((table, "*"))
        return apsw.SQLITE_OK

    connection.authorizer = seen
    for sql in statements:
        insert = INSERT.match(sql)
        named = insert[1] if insert is not None else ""
        try:
            connection.execute(f"EXPLAIN {sql}", tuple(None for _ in range(sql.count("?"))), prepare_flags=0)
        except (apsw.Error, ValueError):
            return None
        if insert is not None:
            names = [name.strip(' "') for name in (insert[2] or "*").split(",")]
            found |= {(insert[1], name) for name in names}
    return found


def _statements(projection: Projection, code: Code) -> list[str] | None:
    """The SQL that its code has as text; None if a statement is put together when it runs."""
    if projection.sql:
        texts = projection.sql.get("sqlite")
        return None if texts is None else [texts]
    found: list[str] = []
    for way in ("apply", "apply_many"):
        function = getattr(type(projection), way, None)
        if isinstance(function, FunctionType) and not code.follow(function, {}):
            return None
    for function in code.functions:
        node = code.node(function)
        for call in (each for each in ast.walk(node) if isinstance(each, ast.Call)):
            if not isinstance(call.func, ast.Attribute) or call.func.attr not in ("execute", "executemany"):
                continue
            texts_of = _texts(call.args[0], node, function) if call.args else None
            if texts_of is None:
                return None
            found += texts_of
    return found


def _texts(given: ast.AST, node: ast.AST, function: FunctionType) -> list[str] | None:
    """The texts that an expression may be: a constant, or a name that is only ever set to constants."""
    if isinstance(given, ast.Constant) and isinstance(given.value, str):
        return [given.value]
    if not isinstance(given, ast.Name):
        return None
    assigned = [
        each.value
        for each in ast.walk(node)
        if isinstance(each, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == given.id for target in each.targets)
    ]
    if assigned:
        parts = [_texts(value, ast.Module([], []), function) for value in assigned]
        return None if None in parts else [text for part in parts if part for text in part]
    found = looked_up(function, given.id)
    return [found] if isinstance(found, str) else None
