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
from typing import NamedTuple

import apsw

from backstory.errors import ProjectionError, StoreClosed
from backstory.forks import on_fork
from backstory.stores.sqlite.connecting import Inode, close, inode_of, waiting
from backstory.stores.sqlite.tables import SqliteTransaction

SETTINGS = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY"


class GoneError(ProjectionError):
    """A file was deleted, because a newer generation has taken its place."""


class _Opened(NamedTuple):
    """A connection, and the file that it has."""

    connection: apsw.Connection
    inode: Inode


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
        self._writer: _Opened | None = None
        self._log: Inode = (0, 0)
        self._idle: deque[_Opened] = deque()

    def _connect(self, *, create: bool) -> _Opened:
        gone = GoneError(f"{self.path} was deleted: a newer generation has taken its place")
        if self.closed:
            raise gone if self._deleted else StoreClosed(f"{self.path} is closed here")
        flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
        there = self._here()
        try:
            connection = apsw.Connection(str(self.path), flags=flags)
        except apsw.CantOpenError:
            raise gone from None
        connection.set_busy_handler(waiting(lambda: self._timeout))
        try:
            # All rows: one of the first setting would keep the others from being done.
            connection.execute(SETTINGS).fetchall()
        except apsw.IOError:
            connection.close()
            if create or self._here() == there:
                raise
            raise gone from None  # it was deleted just now
        return _Opened(connection, self._here())

    def make(self) -> None:
        """Make the file where it is not there."""
        with self._lock:
            if not self._is_open():
                self.path.parent.mkdir(exist_ok=True)
                self._writer = self._connect(create=True)

    @contextmanager
    def transaction(self) -> Iterator[SqliteTransaction]:
        """A transaction for the length of a block, beside which nobody writes the file."""
        with self._lock:
            if not self._is_open():
                self._writer = self._connect(create=False)
            assert self._writer is not None
            writer = self._writer.connection
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
        opened = self._lent()
        connection = opened.connection
        connection.execute("BEGIN")
        try:
            with SqliteTransaction(connection) as transaction:
                yield transaction
        finally:
            connection.execute("ROLLBACK")
            if self.closed:
                self._shut(opened, fold=True)
            else:
                self._idle.append(opened)

    def _lent(self) -> _Opened:
        while True:
            try:
                opened = self._idle.pop()
            except IndexError:
                return self._connect(create=False)
            if opened.inode == self._here():
                return opened
            self._shut(opened, fold=False)

    def _is_open(self) -> bool:
        """Whether the writer has the file that is there now. Somebody may have deleted it, and made it anew."""
        if self._writer is not None and self._writer.inode != self._here():
            self._drop(fold=False)
        return self._writer is not None

    def _here(self) -> Inode:
        return inode_of(str(self.path))

    def _look(self) -> Inode:
        return inode_of(f"{self.path}-wal")

    def _drop(self, *, fold: bool) -> None:
        writer, self._writer, self._log = self._writer, None, (0, 0)
        idle, self._idle = list(self._idle), deque()
        for opened in (*idle, *([writer] if writer else [])):
            self._shut(opened, fold=fold)

    def _shut(self, opened: _Opened, *, fold: bool) -> None:
        """Close a connection. To fold would delete the write-ahead log at this path, which may be another file's."""
        close(opened.connection, fold=fold and opened.inode == self._here())

    def close(self) -> None:
        """Close every connection that is not in use. A second call does nothing."""
        with self._lock:
            self.closed = True
            self._drop(fold=True)

    def delete(self) -> None:
        """Delete the file. A reader that has it open may read on."""
        with self._lock:
            self._deleted = True
            self.close()
        for end in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                Path(f"{self.path}{end}").unlink()
