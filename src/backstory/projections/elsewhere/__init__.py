"""Tables of a projection in another database than the log's: `class Sales(Projection, into=Postgres(uri))`.

The checkpoint lies in the same database as the rows, and is moved in the transaction that changes them. So each event
changes the rows exactly once there too, although no transaction covers the log and that database.

| `into=` | the database |
|---|---|
| `SqliteFile(path)` | a SQLite file of its own |
| `Postgres(uri)` | any PostgreSQL |
| an `Engine` of SQLAlchemy | SQLite, or PostgreSQL by psycopg |
| `DuckDB(path)` | a DuckDB file, which one process at a time has open |

Connections are opened when they are needed, and closed with the database that feeds them.
"""

from __future__ import annotations

from typing import Any

from backstory.errors import DefinitionError
from backstory.projections.elsewhere.databases import DuckDB, Postgres, SqliteFile
from backstory.tables import Tables


def tables_of(into: Any) -> Tables:
    """The tables that `into=` means. Raises `DefinitionError`."""
    if isinstance(into, SqliteFile | Postgres | DuckDB):
        return into
    if type(into).__module__.partition(".")[0] == "sqlalchemy":
        from backstory.projections.elsewhere.engine import EngineTables

        return EngineTables(into)
    raise DefinitionError(
        f"into= is a SqliteFile, a Postgres, a DuckDB or an Engine of SQLAlchemy, not a {type(into).__qualname__}"
    )


__all__ = ["DuckDB", "Postgres", "SqliteFile", "tables_of"]
