"""Tables in SQLite: a transaction over a connection of apsw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

import apsw

from backstory.errors import StoreRefused
from backstory.stores.inside import OVER
from backstory.stores.sqlite.file import SqliteFile
from backstory.tables import Row


class SqliteTransaction:
    """The transaction that a connection is in; see `backstory.tables.Transaction`."""

    dialect = "sqlite"

    def __init__(self, connection: apsw.Connection, file: SqliteFile | None = None) -> None:
        self.file = file
        self.ended = False
        self._connection = connection
        self._cursor = connection.cursor()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.ended = True

    @property
    def connection(self) -> apsw.Connection:
        """The connection, which is another one's once the transaction has ended. Raises `StoreRefused` then."""
        self.check_lasts()
        return self._connection

    def check_lasts(self) -> None:
        """Raise `StoreRefused` where it has ended."""
        if self.ended:
            raise StoreRefused(OVER)

    def execute(self, sql: str, arguments: Sequence[Any] = ()) -> None:
        """Run a statement."""
        if self.ended:
            self.check_lasts()
        self._cursor.execute(sql, tuple(arguments))

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each of these rows."""
        self.check_lasts()
        self._cursor.executemany(sql, map(tuple, rows))

    def rows(self, sql: str, arguments: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query."""
        self.check_lasts()
        return self._cursor.execute(sql, tuple(arguments)).fetchall()

    def described(self, sql: str, arguments: Sequence[Any] = ()) -> tuple[list[Row], Sequence[str | None]]:
        """All rows of a query, and the declared type of each column; None for one that is computed."""
        self.check_lasts()
        found = self._cursor.execute(sql, tuple(arguments))
        try:
            columns = found.getdescription()
        except apsw.ExecutionCompleteError:  # there are no rows
            return [], ()
        return found.fetchall(), [declared for _, declared in columns]


class SqliteTables:
    """Tables in the file of the log."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    @property
    def path(self) -> str:
        """The path of the file."""
        return self._file.path

    @contextmanager
    def transaction(self) -> Iterator[SqliteTransaction]:
        """A transaction for the length of a block, beside which nobody writes; see `Tables.transaction`."""
        with self._file.transaction() as connection, SqliteTransaction(connection, self._file) as transaction:
            yield transaction

    @contextmanager
    def reading(self) -> Iterator[SqliteTransaction]:
        """One snapshot for the length of a block; see `Tables.reading`."""
        with self._file.lent() as connection:
            connection.execute("BEGIN")
            try:
                with SqliteTransaction(connection) as transaction:
                    yield transaction
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
