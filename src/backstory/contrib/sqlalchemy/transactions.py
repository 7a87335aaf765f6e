"""A connection of SQLAlchemy as a transaction, for each driver of SQLite and of PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

from backstory.errors import DefinitionError
from backstory.projections.elsewhere.engine import EngineTransaction
from backstory.told import extra

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.engine import URL, Dialect

DIALECTS = ("sqlite", "postgresql")

DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
"""The drivers that drain, where the application's own is one for async code."""

ASYNCPG = ("prepared_statement_cache_size", "prepared_statement_name_func")
"""Options of a URL that SQLAlchemy knows for asyncpg alone."""


def check_dialect(dialect: Dialect) -> None:
    """Raise `DefinitionError` for a database that has no triggers here."""
    if dialect.name not in DIALECTS:
        raise DefinitionError(
            f"what is written to {dialect.name} cannot be recorded: triggers are made for SQLite and PostgreSQL, and"
            " hooks of the ORM would miss bulk writes and raw SQL"
        )


def drains_by(url: URL) -> URL:
    """The address for the connection that drains, by that of an engine for async code. Raises `ExtraMissing`."""
    backend = url.get_backend_name()
    if backend == "postgresql":
        extra("psycopg", "a recording of PostgreSQL", "postgres")
        query = {name: value for name, value in url.query.items() if name not in ASYNCPG}
        if "ssl" in query:  # asyncpg's name of it
            query.setdefault("sslmode", query.pop("ssl"))
        url = url.set(query=query)
    return url.set(drivername=DRIVERS[backend])


class ConnectionTransaction(EngineTransaction):
    """The transaction that a connection is in; see `backstory.tables.Transaction`. It begins one, as each statement
    does."""

    def __init__(self, connection: Connection) -> None:
        check_dialect(connection.dialect)
        super().__init__(connection, connection.dialect.name)
        self._style = connection.dialect.paramstyle

    def _sql(self, sql: str) -> str:
        if not self._style.startswith("numeric"):
            return super()._sql(sql)
        from backstory.stores.postgres.tables import WORDS

        numbers = count(1)

        def numbered(found: re.Match[str]) -> str:
            return {"?": f"${next(numbers)}", "??": "?"}[found[0]] if found[0] in {"?", "??"} else found[0]

        return WORDS.sub(numbered, sql)

    def execute(self, sql: str, arguments: Sequence[Any] = ()) -> None:
        """Run a statement, which may be that of a trigger, with statements inside."""
        self._run(sql, arguments).close()


class CursorTransaction(ConnectionTransaction):
    """The same over a cursor of the driver, which takes a third of the time. SQLAlchemy's events hear nothing of it."""

    def _run(self, sql: str, arguments: Sequence[Any]) -> Any:
        cursor = self._connection.connection.cursor()
        cursor.execute(self._sql(sql), tuple(arguments))
        return cursor
