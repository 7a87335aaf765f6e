"""One connection to a file: how it is made, how it waits for others, and how the file is known for ours."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from itertools import count

import apsw

from backstory.errors import NotAStore, StoreReadOnly

APPLICATION_ID = 0x42414B53
"""`BAKS`, in SQLite's header field for it: how the `file` command and we know the file."""

Wait = Callable[[int], bool]
"""Sleeps a little before the next attempt, counted from 0; False where that would take too long."""


Inode = tuple[int, int]
"""Device and inode of a file; zeros where there is none."""


def connected(path: str, wait: Callable[[], Wait], *, create: bool = False) -> apsw.Connection:
    """A connection whose commits are durable when they return. `wait` makes its busy handler."""
    connection = apsw.Connection(
        path, flags=apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
    )
    connection.set_busy_handler(wait())
    connection.execute("PRAGMA synchronous = FULL; PRAGMA fullfsync = 1; PRAGMA temp_store = MEMORY")
    return connection


def waiting(patience: Callable[[], float]) -> Wait:
    """Short sleeps, for as long as `patience` says.

    Those of SQLite's own busy handler grow to 100 ms, which starves a writer among many.
    """
    started = 0.0

    def wait(attempt: int) -> bool:
        nonlocal started
        if attempt == 0:
            started = time.monotonic()
        elif time.monotonic() - started > patience():
            return False
        time.sleep(min(0.0005 * (attempt + 1), 0.005))
        return True

    return wait


def check_ours(path: str, connection: apsw.Connection) -> None:
    """Raise `NotAStore` for a database of another application. One that is empty may become a store just now.

    The header is read by SQLite: closing the file after reading it here would drop all locks of this process on it.
    """
    tables = connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
    [(owner,)] = connection.execute("PRAGMA application_id").fetchall()
    [(format,)] = connection.execute("PRAGMA user_version").fetchall()
    if owner not in (0, APPLICATION_ID) or (tables and format == 0):
        raise NotAStore(f"{path} is a SQLite file of another application")


def turn_to_log(path: str, connection: apsw.Connection, wait: Wait) -> None:
    """Let the file have a write-ahead log. SQLite asks no busy handler here where two processes try at once."""
    mode = None
    for attempt in count():
        try:
            [(mode,)] = connection.execute("PRAGMA journal_mode = WAL").fetchall()
            break
        except apsw.BusyError:
            if not wait(attempt):
                raise
    if mode != "wal":
        raise StoreReadOnly(f"{path}: SQLite can keep no write-ahead log beside the file")


def roll_back(connection: apsw.Connection) -> None:
    """Take back a transaction, if there is one."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def close(connection: apsw.Connection, *, fold: bool) -> None:
    """Close a connection; `fold`: the last one folds its write-ahead log into the file."""
    if not fold:
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    connection.close()


def inode_of(path: str) -> Inode:
    """Device and inode of the file at a path."""
    try:
        found = os.stat(path)
    except OSError:
        return 0, 0
    return found.st_dev, found.st_ino
