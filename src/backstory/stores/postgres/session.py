"""A connection as this store uses one, and the transaction that it is in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import psycopg
from psycopg.pq import Format
from psycopg.rows import tuple_row

from backstory.stores.postgres.address import Address
from backstory.stores.postgres.wire import BytesDumper
from backstory.stores.rows import Row

Arguments = Sequence[Any] | Mapping[str, Any]
"""The arguments of a statement, by place or by name."""


class Session(Protocol):
    """A connection with a cursor that stays, for answers that are small."""

    @property
    def small(self) -> psycopg.Cursor[Row]:
        """The cursor. It sends bytes as they are, and keeps its last answer."""
        ...

    def transaction(self, savepoint_name: str | None = None) -> AbstractContextManager[Any]:
        """A transaction for the length of a block; a part of the one that it is in, where it is in one."""
        ...


class Fetching(Protocol):
    """The source of rows: the server, or a transaction."""

    @property
    def address(self) -> Address:
        """The address of the store."""
        ...

    @property
    def ahead(self) -> bool:
        """Whether the next rows may be fetched by another thread meanwhile."""
        ...

    def fetch(self, sql: str, arguments: Arguments = ()) -> list[Row]:
        """All rows of a query."""
        ...

    def look(self, sql: str, arguments: Arguments = ()) -> list[Row]:
        """All rows of a query that gives few."""
        ...


class Inside:
    """The transaction that a session is in: the rows are those that it sees, and errors are the database's own."""

    ahead = False

    def __init__(self, address: Address, session: Session) -> None:
        self.address = address
        self.session = session

    def fetch(self, sql: str, arguments: Arguments = ()) -> list[Row]:
        """All rows of a query."""
        return self.session.small.execute(sql.encode(), arguments).fetchall()

    look = fetch


class Lent:
    """Somebody else's connection, which stays as they have set it up."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        # Not connection.cursor(): Django's binds its arguments on the client, and others give dicts.
        self.small = psycopg.Cursor(connection, row_factory=tuple_row)
        self.small.format = Format.BINARY
        self.small.adapters.register_dumper(bytes, BytesDumper)
        self.transaction = connection.transaction
