"""The file of a SQLite store that somebody has open: is it one of ours, and which error is it?"""

from __future__ import annotations

import os
import warnings
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import apsw

from backstory.errors import HistoryLost, NewerFormat, NotAStore, StoreClosed, StoreExists, StoreMissing
from backstory.stores.rows import Row
from backstory.stores.sqlite.connecting import APPLICATION_ID
from backstory.stores.sqlite.connections import Connections, Work
from backstory.stores.sqlite.failures import FAILURES, named
from backstory.stores.sqlite.guard import keep_guard
from backstory.stores.sqlite.opened import OPENED
from backstory.told import pasted

T = TypeVar("T")

FORMAT = 1
"""The newest format that this code reads and writes, in `PRAGMA user_version`."""


SMALLEST = 512
"""Bytes of the smallest page that SQLite writes."""


class SqliteFile:
    """A file. All stores that open it in one process share its connections.

    Every commit is durable before it is acknowledged: write-ahead log, `synchronous=FULL`. A process may fork: both
    sides open the file again when they next use it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        create: bool | None = None,
        timeout: float = 30.0,
        guard: bool = True,
    ) -> None:
        """Open the file. `create`: True makes it and refuses one that exists, False needs it, None does either.

        `timeout` is how many seconds a write waits for another process's. `guard=False` lets other copies of SQLite
        open the file in this process, now and later; see `docs/guide/sqlite.md`.
        """
        self.path = os.fspath(path)
        self.closed = False
        self._timeout = timeout
        self._lost = ""  # the commit that was lost, in words
        self._check_path(create)
        keep_guard()
        with self._named():
            self._connections = OPENED.open(
                self.path, create=create is not False, patience=timeout, guard=guard
            )
        self._garbage = weakref.finalize(self, _forgotten, self.path, self._connections)
        self._garbage.atexit = False
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _check_path(self, create: bool | None) -> None:
        size = os.path.getsize(self.path) if os.path.exists(self.path) else 0
        exists = size > 0
        if create and exists:
            raise StoreExists(f"{self.path} is there already")
        if os.path.isdir(self.path):
            raise NotAStore(f"{self.path} is a folder, not a Backstory store")
        if 0 < size < SMALLEST:  # SQLite would take it for an empty file, and write over it
            raise NotAStore(f"{self.path} is not a Backstory store")
        if create is False and not exists:
            raise StoreMissing(
                f"there is no store at {self.path}; make one with: {pasted('init', self.path)}"
            )
        if not exists and not os.path.isdir(folder := os.path.dirname(self.path) or "."):
            raise StoreMissing(f"there is no folder {folder} for the store {os.path.basename(self.path)}")

    def _prepare(self) -> None:
        """Make the schema where there is none; two processes may try at once."""
        if self._format() == 0:
            self.write(_make_schema)
        if (found := self._format()) > FORMAT:
            raise NewerFormat(
                f"{self.path} has format {found}, this Backstory knows up to {FORMAT}:"
                " upgrade with pip install -U backstory"
            )

    def _format(self) -> int:
        [(version,)] = self.fetch("PRAGMA user_version")
        assert isinstance(version, int)
        return version

    def fetch(self, sql: str, arguments: Sequence[Any] = (), *, sure: bool = False) -> list[Row]:
        """All rows of a query, over a connection that no other thread uses meanwhile; `sure`: kept for good."""
        if self.closed or self._lost:
            self._check_usable()
        try:
            return self._connections.fetch(sql, arguments, sure=sure)
        except FAILURES as error:
            raise named(self.path, error) from error

    @contextmanager
    def lent(self) -> Iterator[apsw.Connection]:
        """A reading connection, for as long as the block lasts."""
        self._check_usable()
        with self._named(), self._connections.lent() as connection:
            yield connection

    def write(self, work: Work[T]) -> T:
        """Do a piece of work in a transaction that is durable when this returns, or never was.

        The work may be done twice, and is told so: whether the first time was kept is not known then.
        """
        if self.closed or self._lost:
            self._check_usable()
        try:
            return self._connections.write(work, self._timeout)
        except FAILURES as error:
            raise named(self.path, error) from error

    @contextmanager
    def transaction(self) -> Iterator[apsw.Connection]:
        """The writing connection in a transaction that ends with the block; see `Connections.transaction`.

        Errors of the block's own SQL are raised as they are.
        """
        self._check_usable()
        try:
            with self._connections.transaction(self._timeout) as connection:
                yield connection
        except (apsw.BusyError, apsw.FullError, apsw.IOError) as error:
            raise named(self.path, error) from error

    def check_outside(self) -> None:
        """Raise `StoreRefused` where this thread is inside of a transaction of this file."""
        self._connections.check_outside()

    def lose(self, what: str) -> HistoryLost:
        """Refuse every later call, because data that were read before may be remembered; return the error to raise."""
        self._lost = (
            f"{self.path}: {what} is not there any more. The file was put back to an earlier time, or replaced."
            " Open the store again, or start this process again: open objects remember commits that are lost"
        )
        return HistoryLost(self._lost)

    def _check_usable(self) -> None:
        if self.closed:
            raise StoreClosed(f"{self.path} is closed here")
        if self._lost:
            raise HistoryLost(self._lost)

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except FAILURES as error:
            raise named(self.path, error) from error

    def close(self) -> None:
        """Let go of the file. The last in this process to do so closes it. A second call does nothing."""
        self.closed = True
        if self._garbage.detach() is not None:
            OPENED.close(self._connections)


def _forgotten(path: str, connections: Connections) -> None:
    """Let go of a file whose store was left to the garbage collector."""
    OPENED.drop(connections)
    warnings.warn(
        f"the store {path} was never closed: use `with connect(...) as db`, or call db.close()",
        ResourceWarning,
        stacklevel=2,
    )


def _make_schema(connection: apsw.Connection, _again: bool) -> None:
    """Make an empty store, unless another process has made it by now."""
    [(version,)] = connection.execute("PRAGMA user_version").fetchall()
    if version == 0:
        connection.execute(schema())
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT}")


def schema() -> str:
    """The SQL that makes an empty store."""
    from importlib import resources

    return resources.files("backstory.stores.sqlite").joinpath("schema.sql").read_text(encoding="utf-8")
