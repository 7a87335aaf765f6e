"""Databases that are gone once they are closed, for work that is larger than memory."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import apsw


def temporary() -> apsw.Connection:
    """An empty database in a file without a name, which SQLite makes once its cache is full."""
    return apsw.Connection("")


@contextmanager
def room() -> Iterator[None]:
    """Name the error of a temporary folder that is full. Raises `OSError`."""
    try:
        yield
    except apsw.FullError as wrong:
        words = "the folder for temporary files has no room left; SQLITE_TMPDIR names another one"
        raise OSError(errno.ENOSPC, words) from wrong
