"""A connection of a driver as a transaction: of `sqlite3` or psycopg 3, also inside of what an ORM puts around it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from backstory.errors import DefinitionError
from backstory.tables import Row, Transaction


def transaction_on(connection: Any) -> Transaction:
    """The transaction that a driver's connection is in, which its owner ends. Raises `DefinitionError` for others.

    Connections of SQLAlchemy (`driver_connection`) and of Django (`connection.connection`) are unwrapped.
    """
    found = connection
    while not isinstance(found, sqlite3.Connection):
        if type(found).__module__.partition(".")[0] == "psycopg":
            return PostgresConnection(found)
        for name in ("driver_connection", "connection"):
            if (inner := getattr(found, name, None)) is not None and not callable(inner):
                found = inner
                break
        else:
            kind = f"{type(connection).__module__}.{type(connection).__qualname__}"
            raise DefinitionError(
                f"only connections of sqlite3 and psycopg 3 can be captured, and this is a {kind}"
            )
    return SqliteConnection(found)


class SqliteConnection:
    """A connection of `sqlite3`; see `Transaction`."""

    dialect = "sqlite"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, arguments: Sequence[Any] = ()) -> None:
        """Run a statement."""
        self._connection.execute(sql, tuple(arguments)).close()

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each of these rows."""
        self._connection.executemany(sql, [tuple(row) for row in rows]).close()

    def rows(self, sql: str, arguments: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query."""
        cursor = self._connection.cursor()
        cursor.row_factory = None
        return cursor.execute(sql, tuple(arguments)).fetchall()


class PostgresConnection:
    """A connection of psycopg 3; see `Transaction`."""

    dialect = "postgresql"

    def __init__(self, connection: Any) -> None:
        import psycopg
        from psycopg.rows import tuple_row

        self._cursor = psycopg.Cursor(connection, row_factory=tuple_row)

    def execute(self, sql: str, arguments: Sequence[Any] = ()) -> None:
        """Run a statement."""
        self._cursor.execute(_placed(sql), arguments)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each of these rows."""
        self._cursor.executemany(_placed(sql), rows)

    def rows(self, sql: str, arguments: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query."""
        return self._cursor.execute(_placed(sql), arguments).fetchall()


def _placed(sql: str) -> bytes:
    from backstory.stores.postgres.tables import placed

    return placed(sql)
