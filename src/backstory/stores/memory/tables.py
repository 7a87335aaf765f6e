"""The tables of a store in memory: one connection to a database of SQLite that has no file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import apsw

from backstory.errors import StoreRefused
from backstory.stores.sqlite.tables import SqliteTransaction
from backstory.tables import Row

if TYPE_CHECKING:
    from backstory.stores.memory import MemoryStore


class MemoryTransaction(SqliteTransaction):
    """A transaction of the tables, and the store inside it, once somebody asks for that."""

    def __init__(self, connection: apsw.Connection, tables: MemoryTables) -> None:
        super().__init__(connection)
        self.tables = tables
        self.inside: MemoryStore | None = None

    def execute(self, sql: str, arguments: Sequence[Any] = ()) -> None:
        """Run a statement. Raises `StoreRefused` for a savepoint: the store in memory would not go back with it."""
        self._refuse_savepoint(sql)
        super().execute(sql, arguments)

    def rows(self, sql: str, arguments: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query."""
        self._refuse_savepoint(sql)
        return super().rows(sql, arguments)

    def _refuse_savepoint(self, sql: str) -> None:
        if sql.lstrip().upper().startswith("SAVEPOINT"):
            raise StoreRefused("a store in memory does not go back to a savepoint; take a file for this")

    @property
    def store(self) -> MemoryStore:
        """The store that the tables belong to."""
        return self.tables.store

    @property
    def joined(self) -> MemoryStore:
        """The store inside this transaction."""
        self.check_lasts()
        if self.inside is None:
            self.inside = self.store.inside(self)
        return self.inside


class MemoryTables:
    """Tables that are gone when the process ends. One transaction at a time, and no write to the store beside it."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self._connection = apsw.Connection(":memory:")

    @contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        """A transaction for the length of a block; see `Tables.transaction`."""
        self.store.check_outside()
        with self.store.lock:
            transaction = MemoryTransaction(self._connection, self)
            with self.store.held(), self._connection, transaction:
                yield transaction
            if transaction.inside is not None:
                self.store.adopt(transaction.inside)
        if transaction.inside is not None:
            self.store.wake()

    @contextmanager
    def reading(self) -> Iterator[SqliteTransaction]:
        """The tables as they are, for the length of a block; see `Tables.reading`."""
        with self.store.lock, self.hooks() as transaction:
            yield transaction

    @contextmanager
    def hooks(self) -> Iterator[SqliteTransaction]:
        """A part of a transaction for the hooks of units, with the store's lock held."""
        with self._connection, SqliteTransaction(self._connection) as transaction:
            yield transaction
