"""Raw SQLite, the limit: the columns that Backstory stores, durably, and no index, no hashes, no checks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import msgspec

from benchmarks.bank import Deposited, Withdrawn, batched, events, facts

SCHEMA = """
CREATE TABLE commits (
    position INTEGER PRIMARY KEY, size INTEGER, id TEXT, time INTEGER, authored INTEGER, author TEXT, message TEXT,
    command TEXT, metadata TEXT, query TEXT, after INTEGER, secret BLOB, content BLOB, hash BLOB
) STRICT;
CREATE TABLE events (
    position INTEGER PRIMARY KEY, in_commit INTEGER, type TEXT, version INTEGER, tags TEXT, data TEXT
) STRICT;
"""
INSERT_COMMIT = "INSERT INTO commits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
INSERT_EVENT = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)"

Row = tuple[int, int, str, int, str, str]
Decided = tuple[str, str, str | None, int | None]
"""The columns of a commit that say what was decided: message, command, query, and the position it was decided on."""

NOTHING: Decided = ("", "", None, None)


@contextmanager
def connection(path: Path) -> Iterator[apsw.Connection]:
    """A durable connection to a file that has the two tables."""
    opened = apsw.Connection(str(path))
    try:
        opened.execute("PRAGMA journal_mode = WAL").fetchall()
        opened.execute("PRAGMA synchronous = FULL")
        if not opened.table_exists(None, "events"):
            opened.execute(SCHEMA)
        yield opened
    finally:
        opened.close()


def rows(count: int, accounts: int, size: int) -> list[Row]:
    """So many events as rows, their data encoded already."""
    return rows_of(events(facts(count, accounts)), size)


def rows_of(found: Iterable[Deposited | Withdrawn], size: int) -> list[Row]:
    """Events as rows, in commits of this size."""
    return [
        (
            position,
            (position + size - 1) // size * size,
            type(event).__name__,
            1,
            f'["account:{event.account}"]',
            msgspec.json.encode(event).decode(),
        )
        for position, event in enumerate(found, 1)
    ]


def commit(opened: apsw.Connection, group: Sequence[Row], decided: Decided = NOTHING) -> None:
    """One transaction: a row for the commit, and one for each event."""
    last = group[-1][0]
    message, command, query, after = decided
    values: tuple[Any, ...] = (
        last,
        len(group),
        f"00000000-0000-0000-0000-{last:012}",
        1_790_000_000_000_000,
        1_790_000_000_000_000,
        "",
        message,
        command,
        "{}",
        query,
        after,
        bytes(16),
        bytes(32),
        bytes(32),
    )
    opened.execute("BEGIN IMMEDIATE")
    opened.execute(INSERT_COMMIT, values)
    if len(group) == 1:
        opened.execute(INSERT_EVENT, group[0])
    else:
        opened.executemany(INSERT_EVENT, group)
    opened.execute("COMMIT")


def fill(path: Path, count: int, accounts: int, size: int = 1_000) -> None:
    """A file of so many events."""
    with connection(path) as opened:
        for group in batched(rows(count, accounts, size), size):
            commit(opened, group)
