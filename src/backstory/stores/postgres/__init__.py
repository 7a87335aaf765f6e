"""The PostgreSQL store: for servers, and for many processes on many machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from backstory.errors import StoreRefused
from backstory.stores.group_commit import GroupCommit
from backstory.stores.postgres.address import parsed
from backstory.stores.postgres.calls import Added
from backstory.stores.postgres.head_watch import HeadWatch
from backstory.stores.postgres.joined import JoinedStore
from backstory.stores.postgres.log import PostgresLog
from backstory.stores.postgres.schema import prepare as prepare_schema
from backstory.stores.postgres.schema import roles
from backstory.stores.postgres.server import Server
from backstory.stores.postgres.store import PostgresRefs, StoreOver
from backstory.stores.postgres.tables import PostgresTables, PostgresTransaction, join
from backstory.tables import Transaction
from backstory.unit import Outcome, Unit
from backstory.values.commit import Head

__all__ = ["PostgresRefs", "PostgresStore", "roles"]

SEAT = """
SELECT (SELECT system_identifier FROM pg_control_system())::text,
    (SELECT oid FROM pg_database WHERE datname = current_database())::bigint
"""


class PostgresStore(StoreOver):
    """Logs and refs in one schema of a database.

    `create` is that of `open_store`; `address` is a URI as libpq takes it, with parameters of ours that may be given
    as options, too; see `Address`.
    """

    persistent = True
    spans_logs = True
    joins = True

    def __init__(
        self,
        address: str,
        *,
        create: bool | None = None,
        schema: str | None = None,
        pool: int | None = None,
        timeout: float | None = None,
        prepare: str | None = None,
    ) -> None:
        self.server = Server(parsed(address, schema=schema, pool=pool, timeout=timeout, prepare=prepare))
        try:
            prepare_schema(self.server, create)
        except BaseException:
            self.server.close()
            raise
        self._head_watch = HeadWatch(self.server)
        super().__init__(self.server)
        self.tables = PostgresTables(self.server)
        self._group = GroupCommit(super().write)

    def __repr__(self) -> str:
        return f"PostgresStore({self.server.address.shown!r})"

    @property
    def seat(self) -> str | None:
        """The identity of the cluster, the database and the schema; see `Store.seat`."""
        [(cluster, database)] = self.server.fetch(SEAT)
        return f"postgresql {cluster} {database} {self.server.address.schema}"

    def write(self, units: Sequence[Unit]) -> list[Outcome]:
        """Do each unit, in one transaction with those of other threads; see `Store.write`."""
        self.tables.check_outside()
        return self._group.write(units)

    def _kept(self, number: int, added: Added) -> None:
        super()._kept(number, added)
        if added.batches:
            self._head_watch.appended()

    def _open(self, number: int, origin: Head) -> PostgresLog:
        log = super()._open(number, origin)
        self.server.checks.append(log.check)
        return log

    def joined(self, transaction: Transaction) -> JoinedStore:
        """This store inside a transaction of its tables; see `Store.joined`."""
        if isinstance(transaction, PostgresTransaction) and transaction.server is self.server:
            return JoinedStore(self.server.address, transaction)
        raise StoreRefused(
            f"{self.server.address.shown}: this is not a transaction of this store that may write; take one of"
            " store.tables.transaction() or store.join(connection)"
        )

    def join(self, connection: Any) -> PostgresTransaction:
        """A transaction that somebody else began; see `Store.join`."""
        return join(connection, self.server)

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call a function when a log may have grown; see `Store.watch`."""
        return self._head_watch.watch(callback)

    def wake(self) -> None:
        """Look now for events of others; see `Store.wake`."""
        self._head_watch.wake()

    def problems(self) -> Iterator[str]:
        """The faults of the index of tags and of rows that no reader sees; see `Store.problems`."""
        from backstory.stores.postgres.check import problems

        return problems(self.server)

    def close(self) -> None:
        """Close every connection. A second call does nothing."""
        self.server.close()
        self._head_watch.wake()
