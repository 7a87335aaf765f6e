"""Tables in SQLite: a transaction over a connection of apsw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import apsw

from backstory.stores.sqlite.file import SqliteFile
from backstory.tables import Row


class SqliteTransaction:
    """The transaction that a connection is in; see `backstory.tables.Transaction`."""

    dialect = "sqlite"

    def __init__(self, connection: apsw.Connection, file: SqliteFile | None = None) -> None:
        self.connection = connection
        self.file = file
        self._cursor = connection.cursor()

    def execute(self, sql: str, arguments: Sequence[Any] = ()) -> None:
        """Run a statement."""
        self._cursor.execute(sql, tuple(arguments))

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each of these rows."""
        self._cursor.executemany(sql, map(tuple, rows))

    def rows(self, sql: str, arguments: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query."""
        return self._cursor.execute(sql, tuple(arguments)).fetchall()


class SqliteTables:
    """Tables in the file of the log."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    @contextmanager
    def transaction(self) -> Iterator[SqliteTransaction]:
        """A transaction for the length of a block, beside which nobody writes; see `Tables.transaction`."""
        with self._file.transaction() as connection:
            yield SqliteTransaction(connection, self._file)

    @contextmanager
    def reading(self) -> Iterator[SqliteTransaction]:
        """One snapshot for the length of a block; see `Tables.reading`."""
        with self._file.lent() as connection:
            connection.execute("BEGIN")
            try:
                yield SqliteTransaction(connection)
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
