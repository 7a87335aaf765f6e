"""Databases that a projection can be kept in: a SQLite file, PostgreSQL, DuckDB."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backstory.errors import DefinitionError
from backstory.forks import on_fork
from backstory.projections.files import TableFile
from backstory.stores import shown
from backstory.tables import Row, Transaction
from backstory.told import extra

if TYPE_CHECKING:
    import duckdb
    import psycopg


class SqliteFile:
    """A SQLite file; it is made where it is not there."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file = TableFile(self.path)

    def transaction(self) -> AbstractContextManager[Transaction]:
        """A transaction for the length of a block; see `Tables.transaction`."""
        return self._opened().transaction()

    def reading(self) -> AbstractContextManager[Transaction]:
        """One snapshot for the length of a block; see `Tables.reading`."""
        return self._opened().reading()

    def _opened(self) -> TableFile:
        if self._file.closed:
            self._file = TableFile(self.path)
        self._file.make()
        return self._file

    def close(self) -> None:
        """Close what is open; it is opened again when it is needed."""
        self._file.close()


class Postgres:
    """A PostgreSQL database, named as libpq does: `postgresql://reports@dw/sales`."""

    schema = "backstory"

    def __init__(self, conninfo: str) -> None:
        extra("psycopg", "Postgres", "postgres")
        self._conninfo = conninfo
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._idle: deque[psycopg.Connection[Any]] = deque()

    @contextmanager
    def _lent(self) -> Iterator[psycopg.Connection[Any]]:
        import psycopg

        try:
            connection = self._idle.pop()
        except IndexError:
            self._check()
            connection = psycopg.connect(self._conninfo, autocommit=True, client_encoding="utf8")
        try:
            yield connection
        except BaseException:
            connection.close()  # it may be in any state; the next one is new
            raise
        self._idle.append(connection)

    def _check(self) -> None:
        """Raise `DefinitionError` for an address that libpq would quote in its error, with a password in it."""
        import psycopg
        from psycopg.conninfo import conninfo_to_dict

        try:
            host = conninfo_to_dict(self._conninfo).get("host")
        except psycopg.ProgrammingError:
            host = "@"
        if "@" in str(host):
            raise DefinitionError(
                f"{shown(self._conninfo)}: into=Postgres(...) takes postgresql://user:password@host/database; in a"
                " password write @ as %40, % as %25, / as %2F and a space as %20"
            )

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction in READ COMMITTED, for the length of a block; see `Tables.transaction`."""
        from backstory.stores.postgres.session import Lent
        from backstory.stores.postgres.tables import PostgresTransaction

        with self._lent() as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            with PostgresTransaction(Lent(connection)) as transaction:
                yield transaction

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """One snapshot for the length of a block; see `Tables.reading`."""
        from backstory.stores.postgres.session import Lent
        from backstory.stores.postgres.tables import SNAPSHOT, PostgresTransaction

        with self._lent() as connection, connection.transaction():
            connection.execute(SNAPSHOT)
            with PostgresTransaction(Lent(connection)) as transaction:
                yield transaction

    def close(self) -> None:
        """Close the connections that nobody uses; they are opened again when they are needed."""
        while self._idle:
            self._idle.pop().close()


class DuckDB:
    """A DuckDB file; it is made where it is not there. One process at a time can have it open."""

    def __init__(self, path: str | Path) -> None:
        extra("duckdb", "DuckDB", "duckdb")
        self.path = Path(path)
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._connection: duckdb.DuckDBPyConnection | None = None

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        with self._lock:
            if self._connection is None:
                self._connection = duckdb.connect(str(self.path))
            return self._connection.cursor()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction for the length of a block, one at a time; see `Tables.transaction`."""
        with self._lock, self.reading() as transaction:
            yield transaction

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """One snapshot for the length of a block; see `Tables.reading`."""
        cursor = self._cursor()
        try:
            cursor.begin()
            try:
                yield DuckTransaction(cursor)
            except BaseException:
                cursor.rollback()
                raise
            cursor.commit()
        finally:
            cursor.close()

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()


class DuckTransaction:
    """The transaction that a connection of DuckDB is in; see `Transaction`."""

    dialect = "duckdb"

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def execute(self, sql: str, arguments: Sequence[Any] = ()) -> None:
        """Run a statement."""
        self._connection.execute(sql, list(arguments) or None)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each of these rows."""
        for row in rows:
            self.execute(sql, row)

    def rows(self, sql: str, arguments: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query."""
        return self._connection.execute(sql, list(arguments) or None).fetchall()
