"""Looking for damage in a SQLite file that reading alone would not show: pages, B-trees, and the tag index."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from backstory.errors import StoreError
from backstory.stores.sqlite.file import SqliteFile
from backstory.stores.sqlite.index import LOG_BITS, POSITION, token
from backstory.stores.sqlite.rows import decode_tags

MOST = 20
"""How many differences of one kind are named."""

CHUNK = 5_000

Entry = tuple[str, int]
"""A token, and the key of the event that has a tag which it stands for."""


def problems(file: SqliteFile) -> Iterator[str]:
    """Name what is wrong: by SQLite's own check, then by comparing the tag index with the rows, both ways."""
    try:
        for [line] in file.fetch(f"PRAGMA integrity_check({MOST})"):
            if line != "ok":
                yield f"{file.path}: {line}"
        yield from tag_index_problems(file)
    except (StoreError, msgspec.MsgspecError) as error:
        yield f"{file.path}: {error}"


def tag_index_problems(file: SqliteFile) -> Iterator[str]:
    """Compare sums of all entries first, which takes no memory; look for the entries only where the sums differ."""
    if _sum(_expected(file)) == _sum(_indexed(file)):
        return
    named = 0
    for problem in islice(_differences(file), MOST):
        named += 1
        yield problem
    if not named:
        yield f"{file.path}: the tag index has an entry twice"


def _differences(file: SqliteFile) -> Iterator[str]:
    for entry in _expected(file):
        if not file.fetch("SELECT 1 FROM tag_index WHERE tag_index MATCH ? AND rowid = ?", entry):
            yield f"{file.path}: event {_place(entry)} is not in the tag index under {entry[0]}"
    for entry in _indexed(file):
        rows = file.fetch("SELECT tags FROM events WHERE position = ?", entry[1:])
        if not rows or entry[0] not in map(token, decode_tags(rows[0][0])):
            yield f"{file.path}: the tag index has event {_place(entry)} under {entry[0]}, a tag that it does not have"


def _place(entry: Entry) -> str:
    number, position = entry[1] >> LOG_BITS, entry[1] & POSITION
    return f"#{position}" if number == 0 else f"#{position} of log {number}"


def _expected(file: SqliteFile) -> Iterator[Entry]:
    """What the rows say that the index must have."""
    for key, upto in file.fetch(f"SELECT number << {LOG_BITS}, indexed FROM logs ORDER BY number"):
        sql = "SELECT position, tags FROM events WHERE position > ? AND position <= ? ORDER BY position LIMIT ?"
        while rows := file.fetch(sql, (key, upto, CHUNK)):
            for key, tags in rows:  # noqa: PLW2901 - the next chunk begins after the last key
                for one in sorted(set(map(token, decode_tags(tags)))):
                    yield one, key


def _indexed(file: SqliteFile) -> Iterator[Entry]:
    """What the index has."""
    with file.lent() as connection:
        connection.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.tokens USING fts5vocab(main, tag_index, instance)")
        yield from connection.execute("SELECT term, doc FROM temp.tokens")


def _sum(entries: Iterable[Entry]) -> int:
    """A sum that is the same for the same entries in any order."""
    total = 0
    for one, key in entries:
        total += int.from_bytes(hashlib.sha256(f"{one} {key}".encode()).digest()[:16])
    return total
