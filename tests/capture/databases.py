"""Applications' databases for the tests of capture: a SQLite file, and a schema of PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from backstory import Database
from backstory.capture import transaction_on
from backstory.tables import Transaction
from tests.postgres.schemas import hasty
from tests.postgres.server import schema_of


class Site:
    """An application's database: connections to it, and transactions that are committed."""

    def __init__(self, dialect: str, connect: Callable[[], Any], home: str) -> None:
        self.dialect = dialect
        self.connect = connect
        self.home = home

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """A transaction of a connection of its own."""
        with closing(self.connect()) as connection, connection:
            yield transaction_on(connection)

    def run(self, *statements: str) -> None:
        """Run statements of somebody who knows nothing of capture, in one transaction."""
        with closing(self.connect()) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self.begin() as tx:
            return tx.rows(sql)

    @property
    def outbox(self) -> str:
        """The outbox in SQL."""
        return "backstory_outbox" if self.dialect == "sqlite" else f'"{self.home}".outbox'


def sqlite_site(folder: Path) -> Site:
    """A SQLite file."""
    return Site("sqlite", lambda: sqlite3.connect(folder / "app.db", timeout=60), "")


def postgres_site(folder: Path) -> Site:
    """A schema of PostgreSQL."""
    server, schema = hasty(None), schema_of(folder)

    def connect() -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=str(server.socket), port=server.port, user="postgres", dbname="postgres",
            options=f"-c search_path={schema}",
        )  # fmt: skip

    with server.admin() as admin:
        admin.execute(f"CREATE SCHEMA {schema}".encode())
    return Site("postgresql", connect, f"{schema}_capture")


def history_of(db: Database, table: str) -> dict[str, Any]:
    """The rows that a table of the history has now, by key."""
    found = db.table(table)
    keys = {record.event.key for record in db.read() if record.type.startswith(f"{table}.")}
    return {key: row for key in sorted(keys) if (row := found.get(key)) is not None}
