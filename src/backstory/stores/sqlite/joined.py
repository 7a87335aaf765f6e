"""A SQLite store inside a transaction of its tables: it reads and writes over that one connection, and tells nobody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from backstory.errors import HistoryLost
from backstory.stores.inside import InsideTransaction
from backstory.stores.rows import Row
from backstory.stores.sqlite.connections import Work
from backstory.stores.sqlite.failures import FAILURES, named
from backstory.stores.sqlite.store import StoreOver
from backstory.stores.sqlite.tables import SqliteTransaction

T = TypeVar("T")


class JoinedFile:
    """The file as a transaction sees it, for as long as the transaction lasts."""

    def __init__(self, path: str, transaction: SqliteTransaction) -> None:
        self.path = path
        self._transaction = transaction

    def fetch(self, sql: str, arguments: Sequence[Any] = (), *, sure: bool = False) -> list[Row]:
        """All rows of a query; nothing else writes meanwhile, so it is always sure."""
        del sure
        try:
            return self._transaction.connection.execute(sql, arguments).fetchall()
        except FAILURES as error:
            raise named(self.path, error) from error

    def write(self, work: Work[T]) -> T:
        """Do a piece of work as a part of the transaction: whole or not at all."""
        results: list[T] = []
        try:
            with self._transaction.connection as connection:
                results.append(work(connection, False))
        except FAILURES as error:
            raise named(self.path, error) from error
        return results[0]

    def lose(self, what: str) -> HistoryLost:
        """The error to raise where the file was put back before the transaction began."""
        return HistoryLost(f"{self.path}: {what} is not there any more")


class JoinedStore(InsideTransaction, StoreOver):
    """See `Store.joined`. What it remembers is over with it."""
