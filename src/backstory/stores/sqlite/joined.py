"""A SQLite store inside a transaction of its tables: it reads and writes over that one connection, and tells nobody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from backstory.errors import HistoryLost, LogDropped
from backstory.stores.inside import InsideTransaction
from backstory.stores.rows import Row
from backstory.stores.sqlite.connections import Work
from backstory.stores.sqlite.failures import FAILURES, named
from backstory.stores.sqlite.lineage import Lineage
from backstory.stores.sqlite.log import SqliteLog
from backstory.stores.sqlite.store import StoreOver
from backstory.stores.sqlite.tables import SqliteTransaction
from backstory.values.commit import Head

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


class JoinedLineage(Lineage):
    """The end of a log as the transaction sees it now. It remembers no commit: savepoints take commits back."""

    def ends(self) -> tuple[Head, int]:
        """The ends of the log and of its indexes. Raises `LogDropped`."""
        found = self._rows.ends(self.seen)
        if found is None:
            raise LogDropped(f"{self._file.path}: this log was dropped, or taken back with a savepoint")
        return found


class JoinedStore(InsideTransaction, StoreOver):
    """See `Store.joined`. It remembers nothing from one call to the next."""

    def _log(self, number: int, fetch: Callable[[str, Sequence[Any]], list[Row]]) -> SqliteLog:
        return self.fresh(number, self._origin(number, fetch))

    def fresh(self, number: int, origin: Head) -> SqliteLog:
        """A log of which nothing is remembered; see `writing.Logs`."""
        log = super().fresh(number, origin)
        log.lineage = JoinedLineage(self._file, log.base, origin)
        return log
