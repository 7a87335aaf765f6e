"""The file of a SQLite store: opening it, knowing it for ours, lending connections, and naming what went wrong."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

import apsw

from backstory.errors import (
    NewerFormat,
    NotAStore,
    StoreClosed,
    StoreCorrupt,
    StoreError,
    StoreExists,
    StoreFull,
    StoreLocked,
    StoreMissing,
    StoreReadOnly,
)
from backstory.stores.fork import tell_of_forks

APPLICATION_ID = 0x42414B53
"""`BAKS`, in SQLite's header field for it: how the `file` command and we know the file."""

FORMAT = 1
"""The newest format that this code reads and writes, in `PRAGMA user_version`."""

FORK_PATIENCE = 1.0
"""Seconds that a fork waits for reads to end; one that goes on for longer is the forking thread's own."""

Row = tuple[Any, ...]


class SqliteFile:
    """A file, one connection that writes, and as many that read as threads need at once.

    Every commit is durable before it is acknowledged: write-ahead log, `synchronous=FULL`. A process may fork: both
    sides open the file again when they next use it.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, create: bool | None = None, timeout: float = 30.0
    ) -> None:
        """Open the file. `create`: True makes it and refuses one that exists, False needs it, None does what fits.

        `timeout` is how many seconds a write waits for another process's.
        """
        self.path = os.fspath(path)
        self._timeout = timeout
        self._idle: deque[apsw.Connection] = deque()
        self._using: deque[None] = deque()  # as long as there are readers at work
        self._writing = threading.Lock()
        self._forking = threading.Lock()
        self._pid = os.getpid()  # 0 after a fork, until the file is used again
        self.closed = False
        exists = os.path.exists(self.path) and os.path.getsize(self.path) > 0
        if create and exists:
            raise StoreExists(f"{self.path} is there already")
        if create is False and not exists:
            raise StoreMissing(f"there is no store at {self.path}; make one with: backstory init {self.path}")
        if exists:
            check_header(self.path)
        elif not os.path.isdir(folder := os.path.dirname(self.path) or "."):
            raise StoreMissing(f"there is no folder {folder} for the store {os.path.basename(self.path)}")
        self._writer = self._open()
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise
        tell_of_forks(self)

    def _open(self) -> apsw.Connection:
        with self._named():
            connection = apsw.Connection(self.path)
            connection.set_busy_handler(self._wait_for_lock())
            connection.execute("PRAGMA synchronous = FULL; PRAGMA fullfsync = 1; PRAGMA temp_store = MEMORY")
            return connection

    def _wait_for_lock(self) -> Any:
        """A busy handler with short sleeps: SQLite's own grow to 100 ms, which starves a writer among busy others."""
        started = 0.0

        def busy(attempt: int) -> bool:
            nonlocal started
            if attempt == 0:
                started = time.monotonic()
            elif time.monotonic() - started > self._timeout:
                return False
            time.sleep(min(0.0005 * (attempt + 1), 0.005))
            return True

        return busy

    def _prepare(self) -> None:
        """Make the schema where there is none; two processes may try at once."""
        with self._named():
            # Tables first: another process may make the schema between the two looks.
            tables = self._writer.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
            if self._format(self._writer) == 0:
                if tables:
                    raise NotAStore(f"{self.path} is a SQLite file of another application")
                self._turn_to_wal()
                with self.transaction() as connection:
                    if self._format(connection) == 0:
                        connection.execute(schema())
                        connection.execute(
                            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT}"
                        )
            found = self._format(self._writer)
        if found > FORMAT:
            raise NewerFormat(
                f"{self.path} has format {found}, this Backstory knows up to {FORMAT}:"
                " upgrade with pip install -U backstory"
            )

    def _turn_to_wal(self) -> None:
        """Let the file have a write-ahead log. SQLite asks no busy handler here where two processes try at once."""
        wait = self._wait_for_lock()
        for attempt in count():
            try:
                self._writer.execute("PRAGMA journal_mode = WAL").fetchall()
                return
            except apsw.BusyError:
                if not wait(attempt):
                    raise

    def _format(self, connection: apsw.Connection) -> int:
        [(version,)] = connection.execute("PRAGMA user_version").fetchall()
        assert isinstance(version, int)
        return version

    def fetch(self, sql: str, arguments: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query, over a connection that no other thread uses meanwhile."""
        connection = self._borrow()
        try:
            return connection.execute(sql, arguments).fetchall()
        except (apsw.Error, UnicodeDecodeError) as error:
            raise self.named(error) from error
        finally:
            self._give_back(connection)

    @contextmanager
    def lent(self) -> Iterator[apsw.Connection]:
        """A reading connection, for as long as the block lasts."""
        connection = self._borrow()
        try:
            with self._named():
                yield connection
        finally:
            self._give_back(connection)

    def _borrow(self) -> apsw.Connection:
        self._using.append(None)
        try:
            while self.closed or os.getpid() != self._pid:
                self._using.pop()
                try:
                    self._check_usable()
                finally:
                    self._using.append(None)
            try:
                return self._idle.pop()
            except IndexError:
                return self._open()
        except BaseException:
            self._using.pop()
            raise

    def _give_back(self, connection: apsw.Connection) -> None:
        if self.closed:
            connection.close()
        else:
            self._idle.append(connection)
        self._using.pop()

    @contextmanager
    def transaction(self) -> Iterator[apsw.Connection]:
        """The writing connection, inside a transaction that is durable when the block ends, or never was."""
        if self.closed or os.getpid() != self._pid:
            self._check_usable()
        with self._writing:
            if self.closed or os.getpid() != self._pid:
                self._check_usable()
            connection = self._writer
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except BaseException as error:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                if isinstance(error, (apsw.Error, UnicodeDecodeError)):
                    raise self.named(error) from error
                raise

    def _check_usable(self) -> None:
        if self.closed:
            raise StoreClosed(f"{self.path} is closed here")
        with self._forking:
            if self._pid not in (0, os.getpid()):  # forked by code in C that tells nobody
                self._left_to_parent = (self._idle, self._writer)
                self._idle = deque()
            if self._pid != os.getpid():
                self._writer = self._open()
                self._pid = os.getpid()

    def before_fork(self) -> None:
        """Wait until nobody writes or reads, and close every connection."""
        self._writing.acquire()
        self._forking.acquire()
        self._pid = 0
        until = time.monotonic() + FORK_PATIENCE
        while self._using and time.monotonic() < until:
            time.sleep(0.001)
        self._close_connections()

    def after_fork(self, *, child: bool) -> None:
        """Let the file be opened again, by whoever uses it next."""
        if child:
            self._using = deque()
        self._forking.release()
        self._writing.release()

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except (apsw.Error, UnicodeDecodeError) as error:
            raise self.named(error) from error

    def named(self, error: Exception) -> StoreError:
        """The error of ours for one of SQLite's."""
        if getattr(error, "extendedresult", 0) == apsw.SQLITE_IOERR_SHMSIZE:
            return StoreFull(f"{self.path}: {_FULL} ({error})")
        for kinds, ours, says in _NAMES:
            if isinstance(error, kinds):
                return ours(f"{self.path}: {says} ({error})")
        return StoreError(f"{self.path}: {error}")

    def close(self) -> None:
        """Close every connection; the last one to leave folds the write-ahead log into the file."""
        self.closed = True
        with self._writing:
            self._close_connections()

    def _close_connections(self) -> None:
        while self._idle:
            self._idle.pop().close()
        self._writer.close()


_FULL = "no space is left on the disk; nothing of this was kept"
_NAMES: tuple[tuple[tuple[type[Exception], ...], type[StoreError], str], ...] = (
    ((apsw.FullError,), StoreFull, _FULL),
    (
        (apsw.BusyError, apsw.LockedError),
        StoreLocked,
        "another process holds the store; try again, or look who does",
    ),
    ((apsw.ReadOnlyError, apsw.PermissionsError), StoreReadOnly, "the file or its folder cannot be written"),
    (
        (apsw.CantOpenError,),
        StoreReadOnly,
        "SQLite cannot open the file, or cannot write beside it in its folder",
    ),
    ((apsw.NotADBError,), NotAStore, "this is not a Backstory store"),
    ((apsw.CorruptError, UnicodeDecodeError), StoreCorrupt, "the file is damaged; run: backstory verify"),
    ((apsw.ConnectionClosedError,), StoreClosed, "the store is closed here"),
)


def check_header(path: str) -> None:
    """Raise `NotAStore` or `StoreReadOnly` for a file that does not begin as a store does.

    Reads the first 100 bytes only: whether the file is SQLite's, and whose (https://sqlite.org/fileformat.html). A file
    with no owner may be one that another process is making right now.
    """
    if os.path.isdir(path):
        raise NotAStore(f"{path} is a folder, not a Backstory store")
    try:
        with open(path, "rb") as file:
            header = file.read(100)
    except PermissionError as error:
        raise StoreReadOnly(f"{path} cannot be read: {error.strerror}") from error
    if not header.startswith(b"SQLite format 3\0"):
        raise NotAStore(f"{path} is not a Backstory store")
    if int.from_bytes(header[68:72]) not in (0, APPLICATION_ID):
        raise NotAStore(f"{path} is a SQLite file of another application")


def schema() -> str:
    """The SQL that makes an empty store."""
    from importlib import resources

    return resources.files("backstory.stores.sqlite").joinpath("schema.sql").read_text(encoding="utf-8")
