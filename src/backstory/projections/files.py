"""Files of tables beside the log of a SQLite store: one for each generation of a group.

A commit there is not synced: after a power loss the last batches may be missing, together with their checkpoint, and
are applied again. So feeding a projection never makes an append wait for the disk.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import apsw

from backstory.errors import ProjectionError, StoreClosed
from backstory.forks import on_fork
from backstory.stores.sqlite.connecting import Inode, close, inode_of, waiting
from backstory.stores.sqlite.tables import SqliteTransaction

SETTINGS = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY"


class GoneError(ProjectionError):
    """A file was deleted, because a newer generation has taken its place."""


class TableFile:
    """A file of tables; see `backstory.tables.Tables`. Raises `GoneError` where it is not there, unless it is made."""

    def __init__(self, path: Path, timeout: float = 30.0) -> None:
        self.path = path
        self.closed = self._deleted = False
        self._timeout = timeout
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._writer: apsw.Connection | None = None
        self._log: Inode = (0, 0)
        self._idle: deque[apsw.Connection] = deque()

    def _connect(self, *, create: bool) -> apsw.Connection:
        gone = GoneError(f"{self.path} was deleted: a newer generation has taken its place")
        if self.closed:
            raise gone if self._deleted else StoreClosed(f"{self.path} is closed here")
        flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
        try:
            connection = apsw.Connection(str(self.path), flags=flags)
        except apsw.CantOpenError:
            raise gone from None
        connection.set_busy_handler(waiting(lambda: self._timeout))
        connection.execute(SETTINGS)
        return connection

    def make(self) -> None:
        """Make the file where it is not there."""
        with self._lock:
            if self._writer is None:
                self.path.parent.mkdir(exist_ok=True)
                self._writer = self._connect(create=True)

    @contextmanager
    def transaction(self) -> Iterator[SqliteTransaction]:
        """A transaction for the length of a block, beside which nobody writes the file."""
        with self._lock:
            if self._writer is None:
                self._writer = self._connect(create=False)
            writer = self._writer
            writer.execute("BEGIN IMMEDIATE")
            try:
                with SqliteTransaction(writer) as transaction:
                    yield transaction
                writer.execute("COMMIT")
            finally:
                if writer.in_transaction:
                    writer.execute("ROLLBACK")
            log = self._look()
            if self._log not in (log, (0, 0)):
                # Another copy of SQLite in this process has deleted the write-ahead log: this commit is nowhere, and
                # its checkpoint neither. The next one begins at the checkpoint that the file has.
                self._drop(fold=False)
            else:
                self._log = log

    @contextmanager
    def reading(self) -> Iterator[SqliteTransaction]:
        """One snapshot for the length of a block."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect(create=False)
        connection.execute("BEGIN")
        try:
            with SqliteTransaction(connection) as transaction:
                yield transaction
        finally:
            connection.execute("ROLLBACK")
            if self.closed:
                connection.close()
            else:
                self._idle.append(connection)

    def _look(self) -> Inode:
        return inode_of(f"{self.path}-wal")

    def _drop(self, *, fold: bool) -> None:
        writer, self._writer, self._log = self._writer, None, (0, 0)
        idle, self._idle = list(self._idle), deque()
        for connection in (*idle, *([writer] if writer else [])):
            close(connection, fold=fold)

    def close(self) -> None:
        """Close every connection that is not in use. A second call does nothing."""
        with self._lock:
            self.closed = True
            self._drop(fold=True)

    def delete(self) -> None:
        """Delete the file. Who reads it just now may read on."""
        with self._lock:
            self._deleted = True
            self.close()
        for end in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                Path(f"{self.path}{end}").unlink()
