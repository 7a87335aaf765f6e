"""Looking for damage in a SQLite file that reading alone would not show: pages, B-trees, and the tag index."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from backstory.errors import StoreError
from backstory.stores.sqlite.file import SqliteFile
from backstory.stores.sqlite.index import LOG_BITS, POSITION, token

MOST = 20
"""How many differences of one kind are named."""


def problems(file: SqliteFile) -> Iterator[str]:
    """Name what is wrong: with SQLite's own check, then by comparing the tag index with the rows."""
    try:
        for [line] in file.fetch(f"PRAGMA integrity_check({MOST})"):
            if line != "ok":
                yield f"{file.path}: {line}"
        yield from _tag_index(file)
    except StoreError as error:
        yield str(error)


def _tag_index(file: SqliteFile) -> Iterator[str]:
    """Compare which token stands at which row, in both directions, in one ordered pass over each."""
    raise NotImplementedError
