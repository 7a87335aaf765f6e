"""The SQLite store: the embedded default. One file, no server, several processes at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import apsw

from backstory.commit import NO_HASH, ORIGIN, Head, micros
from backstory.errors import StoreCorrupt, StoreRefused
from backstory.forks import on_fork
from backstory.stores.group import GroupCommit
from backstory.stores.names import beyond
from backstory.stores.rows import head_of
from backstory.stores.sqlite.file import SqliteFile
from backstory.stores.sqlite.index import LAST_LOG, first_key
from backstory.stores.sqlite.log import SqliteLog
from backstory.stores.sqlite.rows import row_digest

LAST_LOG_AND_KEY = (
    "SELECT coalesce((SELECT max(number) FROM logs), 0), max(coalesce((SELECT max(position) FROM events), 0),"
    " coalesce((SELECT max(position) FROM commits), 0))"
)


class SqliteRefs:
    """Refs in a table."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def get(self, name: str) -> str | None:
        """The value of a ref, None where there is none."""
        rows = self._file.fetch("SELECT value FROM refs WHERE name = ?", (name,))
        return rows[0][0] if rows else None

    def list(self, prefix: str = "") -> Mapping[str, str]:
        """All refs whose names start with `prefix`, sorted by name."""
        sql = "SELECT name, value FROM refs WHERE name >= ? AND name < ? ORDER BY name"
        end = beyond(prefix)
        # SQLite orders every blob after every text.
        return dict(self._file.fetch(sql, (prefix, b"" if end is None else end)))

    def set(self, name: str, value: str | None, *, old: str | None) -> bool:
        """Compare and set; see `Refs.set`."""

        def work(connection: apsw.Connection, again: bool) -> bool:
            rows = connection.execute("SELECT value FROM refs WHERE name = ?", (name,)).fetchall()
            found = rows[0][0] if rows else None
            if again and found == value:
                return True
            if found != old:
                return False
            if value is None:
                connection.execute("DELETE FROM refs WHERE name = ?", (name,))
            else:
                row = (name, value, row_digest(name, value))
                connection.execute("INSERT OR REPLACE INTO refs VALUES (?, ?, ?)", row)
            return True

        return self._file.write(work)


class SqliteStore:
    """Logs and refs in one file. `create`, `timeout` and `guard` are those of `SqliteFile`."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        create: bool | None = None,
        timeout: float = 30.0,
        guard: bool = True,
    ) -> None:
        self.file = SqliteFile(path, create=create, timeout=timeout, guard=guard)
        self.refs = SqliteRefs(self.file)
        self._logs: dict[int, GroupedLog] = {}
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._opening = threading.Lock()

    def log(self, number: int = 0) -> GroupedLog:
        """Open a log; see `Store.log`. The same object for the same number, so that its appends are grouped."""
        with self._opening:
            if number not in self._logs:
                self._logs[number] = GroupedLog(SqliteLog(self.file, number, self.origin(number)))
            return self._logs[number]

    def create_log(self, origin: Head) -> int:
        """Make an empty log; see `Store.create_log`."""

        def work(connection: apsw.Connection, _again: bool) -> int:
            row: Any = connection.execute(LAST_LOG_AND_KEY).fetchall()[0]
            number, key = int(row[0]) + 1, row[1]
            if number > LAST_LOG:
                raise StoreRefused(f"{self.file.path}: there is no log after {LAST_LOG}")
            if key >= first_key(number):
                raise StoreCorrupt(
                    f"{self.file.path}: there are rows of log {number}, which is made only now; run: backstory verify"
                )
            values = (number, origin.position, origin.hash, micros(origin.time))
            indexed = first_key(number) + origin.position
            connection.execute(
                "INSERT INTO logs VALUES (?, ?, ?, ?, ?, ?)", (*values, row_digest(*values), indexed)
            )
            return number

        return self.file.write(work)

    def logs(self) -> Sequence[int]:
        """The numbers of all logs."""
        return [number for [number] in self.file.fetch("SELECT number FROM logs ORDER BY number")]

    def origin(self, number: int = 0) -> Head:
        """What a log stands on; see `Store.origin`."""
        if not 0 <= number <= LAST_LOG:
            raise KeyError(number)
        sql = "SELECT origin_position, origin_hash, origin_time, digest FROM logs WHERE number = ?"
        rows = self.file.fetch(sql, (number,))
        if not rows and number == 0:
            raise StoreCorrupt(f"{self.file.path}: main is missing in the table of logs")
        if not rows:
            raise KeyError(number)
        position, hash, time, digest = rows[0]
        if number == 0 and (position, hash, time) == (0, NO_HASH, 0):
            return ORIGIN  # main stands on nothing: no digest to compare, and none to load for a verb that only reads
        if row_digest(number, position, hash, time) != digest:
            raise StoreCorrupt(f"{self.file.path}: what log {number} stands on was changed")
        return head_of((position, hash, time))

    def problems(self) -> Iterator[str]:
        """What is wrong with pages and indexes; see `Store.problems`."""
        from backstory.stores.sqlite.check import problems

        return problems(self.file)

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        self.file.close()
