"""Tables in SQLite: a transaction over a connection of apsw."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import apsw

from backstory.forks import on_fork
from backstory.tables import Row


class SqliteTransaction:
    """The transaction that a connection is in; see `backstory.tables.Transaction`."""

    dialect = "sqlite"

    def __init__(self, connection: apsw.Connection) -> None:
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


class MemoryTables:
    """Tables that are gone when the process ends: one connection, and one transaction at a time."""

    def __init__(self) -> None:
        self._connection = apsw.Connection(":memory:")
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._lock = threading.RLock()

    @contextmanager
    def transaction(self) -> Iterator[SqliteTransaction]:
        """A transaction for the length of a block; see `Tables.transaction`."""
        with self._lock, self._connection:
            yield SqliteTransaction(self._connection)

    reading = transaction
