"""The catalog: a row for each generation of a group's tables, in the same database as these tables.

The row is the checkpoint (position, commit hash), who feeds the tables (owner, until, epoch), and what keeps them from
going on. It is changed in the transaction that changes the tables. Its `epoch` goes up whenever somebody else takes
over, so that whoever was the owner before writes nothing more; clocks decide only who may try.

Beside it stands a row for each event that is kept back, or left out for good, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from backstory.errors import ProjectionError
from backstory.tables import Transaction
from backstory.values.commit import NO_HASH

RUNNING, PAUSED, STOPPED, DIVERGED = "running", "paused", "stopped", "diverged"
"""The states of a generation: it goes on; somebody paused it; an event stopped it; the log has another history."""

COLUMNS = """
    name TEXT NOT NULL, version TEXT NOT NULL, generation INTEGER NOT NULL, live INTEGER NOT NULL,
    position BIGINT NOT NULL, hash {bytes} NOT NULL, epoch BIGINT NOT NULL, owner TEXT NOT NULL,
    until {float} NOT NULL, state TEXT NOT NULL, why TEXT NOT NULL, began {float} NOT NULL, made TEXT NOT NULL,
    code TEXT NOT NULL, PRIMARY KEY (name, version, generation)
"""
PARKED = """
    name TEXT NOT NULL, version TEXT NOT NULL, generation INTEGER NOT NULL, position BIGINT NOT NULL,
    key TEXT NOT NULL, why TEXT NOT NULL, state TEXT NOT NULL, tries INTEGER NOT NULL,
    PRIMARY KEY (name, version, generation, position)
"""
WHERE = "name = ? AND version = ? AND generation = ?"

MADE = {
    "sqlite": "SELECT 1 FROM sqlite_schema WHERE name = ?",
    "postgresql": """
        SELECT 1 FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE nspname = ? AND relname = 'projections'
    """,
    "duckdb": "SELECT 1 FROM duckdb_tables() WHERE schema_name = ? AND table_name = 'projections'",
}
NOW = {
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",  # which the oldest copy of SQLite has, too
    "postgresql": "extract(epoch FROM clock_timestamp())::float8",
    "duckdb": "epoch(get_current_timestamp())",
}
TYPES = {
    "sqlite": {"bytes": "BLOB", "float": "REAL"},
    "postgresql": {"bytes": "BYTEA", "float": "FLOAT8"},
    "duckdb": {"bytes": "BLOB", "float": "DOUBLE"},
}

KEPT_BACK, LEFT_OUT = "parked", "skipped"

EARLIER = "an earlier event of the same key"
"""Why an event is kept back that nobody has tried."""


class Row(msgspec.Struct, frozen=True):
    """One generation of a group's tables."""

    name: str
    version: str
    generation: int
    live: bool
    position: int
    hash: bytes
    epoch: int
    owner: str
    until: float
    state: str
    why: str
    began: float
    made: str
    code: str

    @property
    def key(self) -> tuple[str, str, int]:
        """Its name, version and number."""
        return self.name, self.version, self.generation


class Parked(msgspec.Struct, frozen=True):
    """An event that is kept back (`parked`) or left out (`skipped`), and why."""

    position: int
    key: str
    why: str
    state: str
    tries: int


FIELDS = ", ".join(Row.__struct_fields__)


class Catalog:
    """The statements over the catalog of one database. `prefix` stands before the names of its tables."""

    def __init__(self, dialect: str, prefix: str) -> None:
        self.rows = f"{prefix}projections"
        self.parked = f"{prefix}parked"
        self.dialect = dialect
        self._schema = prefix.strip('".')
        self._now = NOW[dialect]
        self._locking = " FOR UPDATE" if dialect == "postgresql" else ""
        self._passing = " FOR UPDATE SKIP LOCKED" if dialect == "postgresql" else ""

    def make(self, tx: Transaction) -> None:
        """Make the tables of the catalog where they are not there."""
        tx.execute(f"CREATE TABLE IF NOT EXISTS {self.rows} ({COLUMNS.format(**TYPES[self.dialect])})")
        tx.execute(f"CREATE TABLE IF NOT EXISTS {self.parked} ({PARKED})")

    def is_made(self, tx: Transaction) -> bool:
        """Whether the catalog is there."""
        # In PostgreSQL from the tables, and not by name: a session remembers that a name meant nothing.
        wanted = self.rows if self.dialect == "sqlite" else self._schema
        return bool(tx.rows(MADE[self.dialect], (wanted,)))

    def all(self, tx: Transaction, name: str = "", version: str = "") -> list[Row]:
        """The rows of a group, or of all; by name, version and generation."""
        sql = f"SELECT {FIELDS} FROM {self.rows} WHERE (? = '' OR name = ?) AND (? = '' OR version = ?)"
        return list(
            map(_row, tx.rows(f"{sql} ORDER BY name, version, generation", (name, name, version, version)))
        )

    def live(self, tx: Transaction, name: str, version: str, *, lock: bool = False) -> Row | None:
        """The generation that readers see; with `lock`, nobody else changes it before the transaction ends."""
        sql = f"SELECT {FIELDS} FROM {self.rows} WHERE name = ? AND version = ? AND live = 1"
        rows = tx.rows(sql + (self._locking if lock else ""), (name, version))
        return _row(rows[0]) if rows else None

    def lock(self, tx: Transaction, key: tuple[str, str, int], epoch: int | None = None) -> Row | None:
        """A row, which nobody else changes before the transaction ends; None if the epoch is another one by now."""
        sql = f"SELECT {FIELDS} FROM {self.rows} WHERE {WHERE}{self._locking}"
        rows = tx.rows(sql, key)
        row = _row(rows[0]) if rows else None
        return None if row is None or epoch not in (None, row.epoch) else row

    def add(self, tx: Transaction, key: tuple[str, str, int], made: str, code: str) -> None:
        """A row for tables that were just made."""
        values = f"(?, ?, ?, 0, 0, ?, 0, '', 0, '{RUNNING}', '', {self._now}, ?, ?)"
        tx.execute(f"INSERT INTO {self.rows} ({FIELDS}) VALUES {values}", (*key, NO_HASH, made, code))

    def move(self, tx: Transaction, row: Row, position: int, hash: bytes, lease: float = 0.0) -> None:
        """Move the checkpoint, and hold the lease for so many seconds more. Raises `LostError`."""
        until = f"{self._now} + {float(lease)}" if lease else "until"
        values = f"position = ?, hash = ?, until = {until}"
        sql = f"UPDATE {self.rows} SET {values} WHERE {WHERE} AND position = ? AND epoch = ?"
        arguments = (position, hash, *row.key, row.position, row.epoch)
        if not tx.rows(f"{sql} RETURNING position", arguments):
            raise LostError(row.name)

    def take(self, tx: Transaction, key: tuple[str, str, int], owner: str, lease: float) -> Row | None:
        """Take the lease of a generation if it is free: the epoch goes up. None if somebody else has it."""
        free = (
            f"SELECT generation FROM {self.rows} WHERE {WHERE} AND (owner IN ('', ?) OR until < {self._now})"
        )
        if not tx.rows(free + self._passing, (*key, owner)):
            return None
        sql = f"UPDATE {self.rows} SET owner = ?, epoch = epoch + 1, until = {self._now} + {float(lease)} WHERE {WHERE}"
        return _row(tx.rows(f"{sql} RETURNING {FIELDS}", (owner, *key))[0])

    def renew(self, tx: Transaction, row: Row, lease: float) -> bool:
        """Hold the lease for so many seconds more; False if somebody else has taken it."""
        sql = f"UPDATE {self.rows} SET until = {self._now} + {float(lease)} WHERE {WHERE} AND epoch = ? RETURNING 1"
        return bool(tx.rows(sql, (*row.key, row.epoch)))

    def release(self, tx: Transaction, row: Row) -> None:
        """Give the lease back, unless somebody else has it."""
        tx.execute(
            f"UPDATE {self.rows} SET owner = '', until = 0 WHERE {WHERE} AND epoch = ?", (*row.key, row.epoch)
        )

    def set_state(self, tx: Transaction, key: tuple[str, str, int], state: str, why: str = "") -> None:
        """Note what keeps a generation from going on, or that nothing does any more."""
        tx.execute(f"UPDATE {self.rows} SET state = ?, why = ? WHERE {WHERE}", (state, why, *key))

    def go_live(self, tx: Transaction, row: Row) -> None:
        """Let readers see this generation and no other one of its version; nothing, if they see a newer one."""
        newer = f"SELECT 1 FROM {self.rows} WHERE name = ? AND version = ? AND live = 1 AND generation > ?"
        tx.execute(
            f"UPDATE {self.rows} SET live = 0 WHERE name = ? AND version = ? AND live = 1 AND generation < ?",
            row.key,
        )
        # In the second statement, which sees the newer one that the first has waited for.
        tx.execute(
            f"UPDATE {self.rows} SET live = 1 WHERE {WHERE} AND NOT EXISTS ({newer})",
            (*row.key, *row.key),
        )

    def forget(self, tx: Transaction, key: tuple[str, str, int]) -> None:
        """Take the row away, and all events that it keeps back."""
        for table in (self.parked, self.rows):
            tx.execute(f"DELETE FROM {table} WHERE {WHERE}", key)

    def leases(self, tx: Transaction, rows: Iterable[Row]) -> dict[tuple[str, str, int], float]:
        """For how many seconds each lease lasts; negative where it is over."""
        [(now,)] = tx.rows(f"SELECT {self._now}")
        return {row.key: row.until - now for row in rows if row.owner}

    def held_back(self, tx: Transaction, key: tuple[str, str, int], of: str | None = None) -> list[Parked]:
        """The events that are kept back or left out, in order; those of one key."""
        sql = f"SELECT position, key, why, state, tries FROM {self.parked} WHERE {WHERE}"
        rows = tx.rows(f"{sql} ORDER BY position", key)
        return [parked for parked in map(_parked, rows) if of in (None, parked.key)]

    def park(self, tx: Transaction, key: tuple[str, str, int], events: Iterable[Parked]) -> None:
        """Keep events back, or leave them out."""
        values = [(*key, one.position, one.key, one.why, one.state, one.tries) for one in events]
        sql = f"INSERT INTO {self.parked} VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        again = "ON CONFLICT (name, version, generation, position) DO UPDATE SET why = excluded.why"
        tx.executemany(f"{sql} {again}, state = excluded.state, tries = excluded.tries", values)

    def unpark(self, tx: Transaction, key: tuple[str, str, int], positions: Iterable[int]) -> None:
        """Keep these events back no longer."""
        sql = f"DELETE FROM {self.parked} WHERE {WHERE} AND position = ?"
        tx.executemany(sql, [(*key, position) for position in positions])


class LostError(ProjectionError):
    """Somebody else feeds these tables by now; nothing was changed."""

    def __init__(self, name: str) -> None:
        super().__init__(f"projection {name} is fed by somebody else by now; nothing was changed")


def _row(values: tuple[Any, ...]) -> Row:
    name, version, generation, live, position, hash, *rest = values
    return Row(name, version, generation, bool(live), position, bytes(hash), *rest)


def _parked(values: tuple[Any, ...]) -> Parked:
    return Parked(*values)


def newest(rows: Iterable[Row]) -> Row | None:
    """The newest generation of some."""
    return max(rows, key=lambda row: row.generation, default=None)


def current(rows: Iterable[Row]) -> list[Row]:
    """The generation that readers see, and those that are built to take its place."""
    every = list(rows)
    live = max((row.generation for row in every if row.live), default=0)
    return [row for row in every if row.generation >= live]


def keys_of(parked: Iterable[Parked]) -> Iterator[str]:
    """The keys whose events are kept back."""
    return (each.key for each in parked if each.state == KEPT_BACK)
