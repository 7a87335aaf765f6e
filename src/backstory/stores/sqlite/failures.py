"""The errors of ours for those of SQLite."""

from __future__ import annotations

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
    ((apsw.TooBigError,), StoreRefused, "this is more than a row can hold"),
    ((apsw.NotADBError,), NotAStore, "this is not a Backstory store"),
    ((apsw.CorruptError, UnicodeDecodeError), StoreCorrupt, "the file is damaged; run: backstory verify"),
    ((apsw.ConnectionClosedError,), StoreClosed, "the store is closed here"),
)

FAILURES = (apsw.Error, UnicodeDecodeError)
"""What SQLite, or reading a text from it, may raise."""


def named(path: str, error: Exception) -> StoreError:
    """The error of ours for one of `FAILURES`."""
    if getattr(error, "extendedresult", 0) == apsw.SQLITE_IOERR_SHMSIZE:
        return StoreFull(f"{path}: {_FULL} ({error})")
    for kinds, ours, says in _NAMES:
        if isinstance(error, kinds):
            return ours(f"{path}: {says} ({error})")
    return StoreError(f"{path}: {error}")
