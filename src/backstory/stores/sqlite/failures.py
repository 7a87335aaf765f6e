"""The errors of ours for those of SQLite."""

from __future__ import annotations

import errno
import os

import apsw

from backstory.errors import (
    NotAStore,
    StoreClosed,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreReadOnly,
    StoreRefused,
)
from backstory.told import pasted

_FULL = "no space is left on the disk; nothing of this was kept"
_NAMES: tuple[tuple[tuple[type[Exception], ...], type[StoreError], str], ...] = (
    ((apsw.FullError,), StoreFull, _FULL),
    (
        (apsw.BusyError, apsw.LockedError),
        StoreLocked,
        "another process holds the store; try again, or find that process",
    ),
    ((apsw.ReadOnlyError, apsw.PermissionsError), StoreReadOnly, "the file or its folder cannot be written"),
    (
        (apsw.CantOpenError,),
        StoreReadOnly,
        "SQLite cannot open the file, or cannot write beside it in its folder",
    ),
    ((apsw.TooBigError,), StoreRefused, "this is more than a row can hold"),
    ((apsw.NotADBError,), NotAStore, "this is not a Backstory store"),
    ((apsw.CorruptError, UnicodeDecodeError), StoreCorrupt, "the file is damaged"),
    ((apsw.ConnectionClosedError,), StoreClosed, "the store is closed here"),
)

FAILURES = (apsw.Error, UnicodeDecodeError, OSError)
"""The exceptions that SQLite, a text read from it, or a lock on its file may raise."""


def named(path: str, error: Exception) -> StoreError:
    """The error of ours for one of `FAILURES`."""
    if getattr(error, "extendedresult", 0) == apsw.SQLITE_IOERR_SHMSIZE:
        return StoreFull(f"{path}: {_FULL} ({error})")
    if isinstance(error, (apsw.CantOpenError, OSError)) and no_file_left():
        return StoreError(f"{path}: this process has as many files open as it may; see ulimit -n ({error})")
    for kinds, ours, says in _NAMES:
        if isinstance(error, kinds):
            run = f"; run: {pasted('-s', path, 'verify')}" if ours is StoreCorrupt else ""
            return ours(f"{path}: {says} ({error}){run}")
    return StoreError(f"{path}: {error}")


def no_file_left() -> bool:
    """Whether this process, or the system, can open no more files: SQLite does not say so."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in (errno.EMFILE, errno.ENFILE)
    return False
