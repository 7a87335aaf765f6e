"""Looking for damage in a SQLite file that reading alone would not show: pages, rows that no reader sees, the indexes.

Nothing here trusts a value: any column may hold anything, and a key may stand where it does not belong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import apsw

from backstory.errors import StoreCorrupt
from backstory.stores.rows import LOG_BITS, POSITION, place
from backstory.stores.sqlite.connecting import APPLICATION_ID
from backstory.stores.sqlite.entries import EXPECTED, differences
from backstory.stores.sqlite.failures import FAILURES, named
from backstory.stores.sqlite.file import SqliteFile, schema
from backstory.stores.sqlite.read_plan import HIGHEST, LAST_LOG, LOWEST
from backstory.stores.sqlite.rows import row_digest

Check = Callable[[apsw.Connection], Iterator[str]]

MOST = 20
"""How many problems of one kind are named."""

LOOK_ANEW = "SELECT 1 FROM token_index WHERE token_index MATCH 'none'"
"""A read of the token index. SQLite's check of it trusts the list of its parts that this connection read last, and
calls it damaged if parts were joined since. A read looks at the list anew."""

DEFINITIONS = "SELECT type || ' ' || name, sql, tbl_name FROM sqlite_schema"
LOGS = "SELECT number, origin_position, origin_hash, origin_time, made_by, digest FROM logs ORDER BY number"
BOUNDS = (
    f"SELECT number << {LOG_BITS}, origin_position, indexed FROM logs WHERE number BETWEEN 0 AND {LAST_LOG}"
    f" AND typeof(origin_position) = 'integer' AND origin_position BETWEEN 0 AND {POSITION} ORDER BY number"
)
LAST_COMMIT = "SELECT max(position) FROM commits WHERE position > ? AND position <= ?"
STRAYS = "SELECT position FROM {} WHERE position BETWEEN ? AND ? ORDER BY position LIMIT ?"
FOREIGN = f"SELECT position FROM events WHERE in_commit >> {LOG_BITS} <> position >> {LOG_BITS} LIMIT ?"


def problems(file: SqliteFile) -> Iterator[str]:
    """Name the faults: by SQLite's own check, then by comparing rows with indexes, digests and definitions.

    All of it looks at the file as it is when the first check begins, even if others append meanwhile.
    """
    checks: list[Check] = [
        _token_problems,
        _page_problems,
        _definition_problems,
        _digest_problems,
        _stray_problems,
    ]
    checks += [partial(differences, name=name, most=MOST) for name in EXPECTED]
    with file.lent() as connection:
        connection.execute("BEGIN")
        try:
            for check in checks:
                try:
                    yield from (f"{file.path}: {problem}" for problem in check(connection))
                except StoreCorrupt as error:
                    yield f"{file.path}: {error}"
                except apsw.InterruptError:
                    raise  # by a fork in another thread, which says nothing of the file
                except FAILURES as error:
                    yield str(named(file.path, error))
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def _token_problems(connection: apsw.Connection) -> Iterator[str]:
    """Read the token index, so that the check of the pages knows its parts as they are now."""
    connection.execute(LOOK_ANEW).fetchall()
    yield from ()


def _page_problems(connection: apsw.Connection) -> Iterator[str]:
    """Let SQLite check its pages, and check the numbers in the header of the file."""
    for [line] in connection.execute(f"PRAGMA integrity_check({MOST})"):
        if line != "ok":
            yield str(line)
    for [id] in connection.execute("PRAGMA application_id"):
        if id != APPLICATION_ID:
            yield f"its application_id is {id}, and that of a Backstory store is {APPLICATION_ID}"


def _definition_problems(connection: apsw.Connection) -> Iterator[str]:
    """Compare the definitions of the store's tables, with their indexes and triggers, with those of a new store.

    Other tables are somebody else's, such as those of inline projections.
    """
    fresh = apsw.Connection(":memory:")
    fresh.execute(schema())
    expected: dict[Any, Any] = {name: sql for name, sql, _ in fresh.execute(DEFINITIONS)}
    own = {str(table).lower() for _, _, table in fresh.execute(DEFINITIONS)}
    found: dict[Any, Any] = {
        name: sql
        for name, sql, table in connection.execute(DEFINITIONS)
        if name in expected or str(table).lower() in own
    }
    for name in sorted(expected.keys() | found.keys(), key=str):
        if expected.get(name) != found.get(name):
            yield f"{name} is not defined as it was"


def _digest_problems(connection: apsw.Connection) -> Iterator[str]:
    """Check the rows that have a digest of their own, because no commit hash covers them."""
    rows: Iterable[Any] = connection.execute(LOGS)
    for number, *origin, digest in rows:
        if not 0 <= number <= LAST_LOG:
            yield f"a log has the number {number}, and numbers go from 0 to {LAST_LOG}"
        if row_digest(number, *origin) != digest:
            yield f"the origin of log {number} was changed"
    for name, value, digest in connection.execute("SELECT name, value, digest FROM refs ORDER BY name"):
        if row_digest(name, value) != digest:
            yield f"ref {name} was changed"


def _stray_problems(connection: apsw.Connection) -> Iterator[str]:
    """Look for rows that no reader sees: of no log, before the origin of theirs, or events after its last commit."""
    seen: dict[str, list[tuple[int, int]]] = {"commits": [], "events": []}
    bounds: Iterable[Any] = connection.execute(BOUNDS)
    for base, origin, indexed in bounds:
        first, last = base + origin, base + POSITION
        found: Any = connection.execute(LAST_COMMIT, (first, last)).fetchall()
        end = found[0][0] or first
        seen["commits"].append((first, last))
        seen["events"].append((first, end))
        if not isinstance(indexed, int) or not first <= indexed <= end:
            yield f"the indexes of log {base >> LOG_BITS} do not end where it is said, at {indexed!r}"
    for table, where in ("commits", "is of no log"), ("events", "is in no commit"):
        for low, high in _gaps(seen[table]):
            for [key] in connection.execute(STRAYS.format(table), (low, high, MOST)):
                yield f"{table[:-1]} {place(key)} {where}"
    for [key] in connection.execute(FOREIGN, (MOST,)):
        yield f"event {place(key)} says that its commit is of another log"


def _gaps(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The lowest and highest keys between these ranges, before the first and after the last of them.

    A range is `first < key <= last`; they are in order, and none reaches into another.
    """
    low = LOWEST
    for first, last in ranges:
        yield low, first
        low = last + 1
    yield low, HIGHEST
