"""Looking for damage in a SQLite file that reading alone would not show: pages, B-trees, and the indexes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from operator import itemgetter
from typing import Any

import apsw
import msgspec

from backstory.errors import StoreError
from backstory.stores.sqlite.file import SqliteFile, schema
from backstory.stores.sqlite.index import LOG_BITS, POSITION, hash_token, token
from backstory.stores.sqlite.rows import decode_tags, row_digest

MOST = 20
"""How many differences of one index are named."""

CHUNK = 5_000

Entry = tuple[str, int]
"""What an index is asked for, and the key of the row that it gives."""

EVENT_ROWS = (
    "SELECT position, type, tags FROM events WHERE position > ? AND position <= ? ORDER BY position LIMIT ?"
)
COMMIT_ROWS = (
    "SELECT position, id, hash FROM commits WHERE position > ? AND position <= ? ORDER BY position LIMIT ?"
)
DEFINITIONS = "SELECT type || ' ' || name, sql FROM sqlite_schema"
HELD = {
    "type index": "SELECT type, position FROM type_index",
    "id index": "SELECT id, position FROM id_index",
    "token index": "SELECT term, doc FROM temp.held",
}


def problems(file: SqliteFile) -> Iterator[str]:
    """Name what is wrong: by SQLite's own check, then by comparing each index with the rows, both ways."""
    try:
        for [line] in file.fetch(f"PRAGMA integrity_check({MOST})"):
            if line != "ok":
                yield f"{file.path}: {line}"
        yield from _definition_problems(file)
        yield from _row_problems(file)
        yield from _stray_problems(file)
        for name in HELD:
            if _sum(_expected(file, name)) != _sum(_held(file, name)):
                yield from islice(_differences(file, name), MOST)
    except StoreError as error:
        yield str(error)
    except (msgspec.MsgspecError, AttributeError, TypeError, ValueError) as error:
        # A column holds another kind of value than it should.
        yield f"{file.path}: a row is damaged ({error})"


def _definition_problems(file: SqliteFile) -> Iterator[str]:
    """Compare what the file says that its tables, indexes and views are with what they are."""
    fresh = apsw.Connection(":memory:")
    fresh.execute(schema())
    expected: dict[Any, Any] = dict(fresh.execute(DEFINITIONS))
    found: dict[Any, Any] = dict(file.fetch(DEFINITIONS))
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            yield f"{file.path}: {name} is not defined as it was"


def _row_problems(file: SqliteFile) -> Iterator[str]:
    """Check the rows that have a digest of their own, because no commit hash covers them."""
    for number, *origin, digest in file.fetch(
        "SELECT number, origin_position, origin_hash, origin_time, digest FROM logs ORDER BY number"
    ):
        if row_digest(number, *origin) != digest:
            yield f"{file.path}: what log {number} stands on was changed"
    for name, value, digest in file.fetch("SELECT name, value, digest FROM refs ORDER BY name"):
        if row_digest(name, value) != digest:
            yield f"{file.path}: ref {name} was changed"


def _stray_problems(file: SqliteFile) -> Iterator[str]:
    """Look for events that no reader sees: before the origin of their log, or after its last commit."""
    for number, origin in file.fetch("SELECT number, origin_position FROM logs ORDER BY number"):
        first = number << LOG_BITS
        last = f"(SELECT coalesce(max(position), ?1 + ?2) FROM commits WHERE position BETWEEN ?1 AND ?1 + {POSITION})"
        sql = "SELECT position FROM events WHERE position > ?1 AND position <= ?1 + {} AND {} LIMIT 1"
        for where in ("position <= ?1 + ?2", f"position > {last}"):
            for [key] in file.fetch(sql.format(POSITION, where), (first, origin)):
                yield f"{file.path}: event {_place(key)} is in no commit"


def _sum(entries: Iterable[Entry]) -> int:
    """A sum that is the same for the same entries in any order: compared first, because it takes no memory."""
    return sum(
        int.from_bytes(hashlib.sha256(f"{key} {name}".encode()).digest()[:16]) for name, key in entries
    )


def _differences(file: SqliteFile, name: str) -> Iterator[str]:
    """Name the entries that only one side has. Found by their sets: damage is rare, so memory may go to it."""
    expected, held = set(_expected(file, name)), set(_held(file, name))
    for entry in sorted(expected - held, key=itemgetter(1, 0)):
        yield f"{file.path}: {_place(entry[1])} is missing in the {name}, under {entry[0]}"
    for entry in sorted(held - expected, key=itemgetter(1, 0)):
        yield f"{file.path}: {_place(entry[1])} stands in the {name} under {entry[0]}, where it does not belong"
    if expected == held:
        yield f"{file.path}: the {name} has an entry twice"


def _place(key: int) -> str:
    number, position = key >> LOG_BITS, key & POSITION
    return f"#{position}" if number == 0 else f"#{position} of log {number}"


def _held(file: SqliteFile, name: str) -> Iterator[Entry]:
    """What the index has."""
    with file.lent() as connection:
        connection.execute(
            "CREATE VIRTUAL TABLE IF NOT EXISTS temp.held USING fts5vocab(main, token_index, instance)"
        )
        yield from connection.execute(HELD[name])


def _expected(file: SqliteFile, name: str) -> Iterator[Entry]:
    """What the rows say that the index must have."""
    if name == "type index":
        yield from ((type, key) for key, type, _ in _rows(file, EVENT_ROWS))
    elif name == "id index":
        yield from ((id, key) for key, id, _ in _rows(file, COMMIT_ROWS))
    else:
        for key, _, tags in _rows(file, EVENT_ROWS):
            yield from ((one, key) for one in {token(tag) for tag in decode_tags(tags)})
        yield from ((hash_token(hash), key) for key, _, hash in _rows(file, COMMIT_ROWS))


def _rows(file: SqliteFile, sql: str) -> Iterator[Row]:
    """All rows of every log, up to where its indexes end."""
    for key, indexed in file.fetch(f"SELECT number << {LOG_BITS}, indexed FROM logs ORDER BY number"):
        after = key
        while rows := file.fetch(sql, (after, indexed, CHUNK)):
            yield from rows
            after = rows[-1][0]
