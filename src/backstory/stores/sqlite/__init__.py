"""The SQLite store: the embedded default. One file, no server, several processes at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from backstory.errors import StoreRefused
from backstory.stores.group_commit import GroupCommit
from backstory.stores.sqlite.connecting import inode_of
from backstory.stores.sqlite.file import SqliteFile
from backstory.stores.sqlite.joined import JoinedFile, JoinedStore
from backstory.stores.sqlite.store import StoreOver
from backstory.stores.sqlite.tables import SqliteTables, SqliteTransaction
from backstory.stores.sqlite.watch import Watch
from backstory.tables import Transaction
from backstory.unit import Outcome, Unit


class SqliteStore(StoreOver):
    """Logs and refs in one file. `create`, `timeout` and `guard` are those of `SqliteFile`."""

    persistent = True
    spans_logs = True
    joins = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        create: bool | None = None,
        timeout: float = 30.0,
        guard: bool = True,
    ) -> None:
        self.file = SqliteFile(path, create=create, timeout=timeout, guard=guard)
        super().__init__(self.file)
        self.tables = SqliteTables(self.file)
        self._group = GroupCommit(super().write)
        self._watch = Watch(self.file)

    def __repr__(self) -> str:
        return f"SqliteStore({str(self.file.path)!r})"

    @property
    def seat(self) -> str | None:
        """The path and the inode of the file; see `Store.seat`."""
        path = os.path.realpath(self.file.path)
        _, inode = inode_of(path)
        return f"file {path} {inode}" if inode else None

    def write(self, units: Sequence[Unit]) -> list[Outcome]:
        """Do each unit, in one transaction with those of other threads; see `Store.write`."""
        self.file.check_outside()  # it would wait for another thread's group, which waits for this transaction
        outcomes = self._group.write(units)
        self._watch.told()
        return outcomes

    def joined(self, transaction: Transaction) -> JoinedStore:
        """This store inside a transaction of its tables; see `Store.joined`."""
        if isinstance(transaction, SqliteTransaction) and transaction.file is self.file:
            return JoinedStore(JoinedFile(self.file.path, transaction))
        raise StoreRefused(f"{self.file.path}: this is no transaction of this store's tables")

    def join(self, connection: Any) -> Transaction:  # noqa: ARG002 - it is refused whatever it is
        """Refuse it.

        Whatever has a connection of its own to the file uses another copy of SQLite, and two of them in one process
        release each other's locks.
        """
        raise StoreRefused(
            f"{self.file.path}: a transaction on a connection of another library cannot be joined, because two copies"
            " of SQLite in one process release each other's locks; use store.tables.transaction()"
        )

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call a function when a log may have grown; see `Store.watch`."""
        return self._watch.add(callback)

    def wake(self) -> None:
        """Look now for events of others; see `Store.wake`."""
        self._watch.told()

    def problems(self) -> Iterator[str]:
        """The faults of pages and indexes; see `Store.problems`."""
        from backstory.stores.sqlite.check import problems

        return problems(self.file)

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        self._watch.close()
        self.file.close()
        self._watch.told()
