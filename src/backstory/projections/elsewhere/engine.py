"""The database of an engine of SQLAlchemy, with the connections that this lends."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from backstory.errors import DefinitionError
from backstory.projections.names import TOKENS
from backstory.tables import Row, Transaction

if TYPE_CHECKING:
    from sqlalchemy import Connection, CursorResult, Engine

STATEMENT = re.compile(rf"(?:{TOKENS.pattern}|[^;])+", TOKENS.flags)
"""A statement of several, which the drivers of SQLite take one at a time."""

DIALECTS = {("sqlite", "pysqlite"): "sqlite", ("postgresql", "psycopg"): "postgresql"}


class EngineTables:
    """Tables behind an engine; see `Tables`. Raises `DefinitionError` for a database that is not known here."""

    schema = "backstory"

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        found = DIALECTS.get((engine.dialect.name, engine.dialect.driver))
        if found is None:
            known = ", ".join(f"{name}+{driver}" for name, driver in DIALECTS)
            kind = f"{engine.dialect.name}+{engine.dialect.driver}"
            raise DefinitionError(f"an engine for {kind} cannot keep a projection: there are {known}")
        self._dialect = found

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction for the length of a block; see `Tables.transaction`."""
        with self._engine.begin() as connection:
            if self._dialect == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield EngineTransaction(connection, self._dialect)

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """One snapshot for the length of a block; see `Tables.reading`."""
        with self._engine.connect() as connection:
            connection.exec_driver_sql(
                "BEGIN"
                if self._dialect == "sqlite"
                else "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
            )
            yield EngineTransaction(connection, self._dialect)

    def close(self) -> None:
        """Nothing: the engine is somebody else's."""


class EngineTransaction:
    """The transaction that a connection of SQLAlchemy is in; see `Transaction`."""

    def __init__(self, connection: Connection, dialect: str) -> None:
        self.dialect = dialect
        self._connection = connection

    def _sql(self, sql: str) -> str:
        if self.dialect == "sqlite":
            return sql
        from backstory.stores.postgres.tables import placed

        return placed(sql).decode()

    def _run(self, sql: str, arguments: Sequence[Any]) -> CursorResult[Any]:
        return self._connection.exec_driver_sql(self._sql(sql), tuple(arguments) or None)

    def execute(self, sql: str, arguments: Sequence[Any] = ()) -> None:
        """Run a statement; several, where there are no arguments."""
        if self.dialect == "sqlite" and not arguments and ";" in sql:
            for [statement] in ([found[0]] for found in STATEMENT.finditer(sql)):
                if statement.strip():
                    self._connection.exec_driver_sql(statement)
        else:
            self._run(sql, arguments).close()

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each of these rows."""
        if found := list(map(tuple, rows)):
            self._connection.exec_driver_sql(self._sql(sql), found).close()

    def rows(self, sql: str, arguments: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query."""
        return [tuple(row) for row in self._run(sql, arguments)]
