"""A PostgreSQL store inside a transaction: it reads and writes over that one connection, and tells nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from backstory.errors import StoreRefused
from backstory.stores.inside import InsideTransaction
from backstory.stores.postgres.address import Address
from backstory.stores.postgres.failures import named
from backstory.stores.postgres.log import PostgresLog
from backstory.stores.postgres.session import Arguments, Session
from backstory.stores.postgres.store import PostgresCaches, StoreOver
from backstory.stores.postgres.tables import PostgresTransaction
from backstory.stores.rows import Row
from backstory.unit import Outcome, Unit

T = TypeVar("T")


class JoinedServer:
    """The server as a transaction sees it. Nothing is tried again: only the owner of the transaction could do that."""

    ahead = False
    commits_read = False

    def __init__(self, address: Address, transaction: PostgresTransaction) -> None:
        self.address = address
        self._transaction = transaction

    def run(self, work: Callable[[Session], T]) -> T:
        """Do a piece of work in the transaction. Raises `StoreError`."""
        session = self._transaction.session
        status = session.small.connection.info.transaction_status
        if self._transaction.ended or status not in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            raise StoreRefused(f"{self.address.shown}: the transaction that this store is inside of is over")
        try:
            return work(session)
        except psycopg.Error as error:
            raise named(self.address.shown, error) from error

    def fetch(self, sql: str, arguments: Arguments = ()) -> list[Row]:
        """All rows of a query."""
        return self.run(lambda session: session.small.execute(sql.encode(), arguments).fetchall())

    look = fetch


class JoinedCaches(PostgresCaches):
    """The caches of a store inside a transaction, which keep nothing: its data may be gone with the transaction."""

    def set(self, name: str, value: bytes | None) -> None:
        """Keep nothing."""


class JoinedStore(InsideTransaction, StoreOver):
    """See `Store.joined`. It remembers no commit: savepoints take commits back."""

    def __init__(self, address: Address, transaction: PostgresTransaction) -> None:
        server = JoinedServer(address, transaction)
        super().__init__(server)
        self.caches = JoinedCaches(server)
        self._transaction = transaction

    def write(self, units: Sequence[Unit]) -> list[Outcome]:
        """Do each unit whole or not at all, and note that the transaction has written; see `Store.write`."""
        done = super().write(units)
        self._transaction.wrote = True
        return done

    def log(self, number: int = 0) -> PostgresLog:
        """Open a log; see `Store.log`."""
        return self._open(number, self.origin(number))

    def problems(self) -> Iterator[str]:
        """Nothing: the data inside of a transaction are not checked."""
        return iter(())
