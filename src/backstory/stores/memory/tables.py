"""The tables of a store in memory: one connection to a database of SQLite that has no file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import apsw

from backstory.stores.sqlite.tables import SqliteTransaction

if TYPE_CHECKING:
    from backstory.stores.memory import MemoryStore


class MemoryTransaction(SqliteTransaction):
    """A transaction of the tables, and the store inside it, once somebody asks for that."""

    def __init__(self, connection: apsw.Connection, tables: MemoryTables) -> None:
        super().__init__(connection)
        self.tables = tables
        self.inside: MemoryStore | None = None

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
