"""A connection of SQLAlchemy as a transaction, for each driver of SQLite and of PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

from backstory.errors import DefinitionError
from backstory.tables import Row

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.engine import Dialect

DIALECTS = ("sqlite", "postgresql")


def check_dialect(dialect: Dialect) -> None:
    """Raise `DefinitionError` for a database that has no triggers here."""
    if dialect.name not in DIALECTS:
        raise DefinitionError(
            f"what is written to {dialect.name} cannot be recorded: triggers are made for SQLite and PostgreSQL, and"
            " hooks of the ORM would miss bulk writes and raw SQL"
        )


class ConnectionTransaction:
    """The transaction that a connection is in; see `backstory.tables.Transaction`. It begins one, as each statement
    does."""

    def __init__(self, connection: Connection) -> None:
        check_dialect(connection.dialect)
        self.dialect = connection.dialect.name
        self._connection = connection
        self._style = connection.dialect.paramstyle

    def _placed(self, sql: str) -> str:
        if self._style == "qmark":
            return sql
        from backstory.stores.postgres.tables import WORDS, placed

        if not self._style.startswith("numeric"):
            return placed(sql).decode()
        numbers = count(1)

        def numbered(found: re.Match[str]) -> str:
            return {"?": f"${next(numbers)}", "??": "?"}[found[0]] if found[0] in {"?", "??"} else found[0]

        return WORDS.sub(numbered, sql)

    def execute(self, sql: str, arguments: Sequence[Any] = ()) -> None:
        """Run a statement."""
        self._connection.exec_driver_sql(self._placed(sql), tuple(arguments) or None).close()

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each of these rows."""
        if found := [tuple(row) for row in rows]:
            self._connection.exec_driver_sql(self._placed(sql), found).close()

    def rows(self, sql: str, arguments: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query."""
        return [
            tuple(row)
            for row in self._connection.exec_driver_sql(self._placed(sql), tuple(arguments) or None)
        ]
