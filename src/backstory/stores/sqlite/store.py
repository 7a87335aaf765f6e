"""The logs, refs and caches of a file, over anything that fetches rows and does work in a transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import apsw

from backstory.errors import StoreCorrupt
from backstory.forks import on_fork
from backstory.stores.hooks import run_hooks
from backstory.stores.names import beyond
from backstory.stores.rows import POSITION, Row, head_of
from backstory.stores.sqlite.lineage import File, Lost
from backstory.stores.sqlite.log import SqliteLog
from backstory.stores.sqlite.read_plan import LAST_LOG, PART
from backstory.stores.sqlite.rows import HOLDING, row_digest
from backstory.stores.sqlite.tables import SqliteTransaction
from backstory.stores.sqlite.writing import Writing
from backstory.unit import Outcome, Unit
from backstory.values.commit import NO_HASH, ORIGIN, Head

ORIGIN_OF = "SELECT origin_position, origin_hash, origin_time, made_by, digest FROM logs WHERE number = ?"


class SqliteRefs:
    """Refs in a table."""

    def __init__(self, file: File) -> None:
        self._file = file

    def get(self, name: str) -> str | None:
        """The value of a ref, None if there is none."""
        rows = self._file.fetch("SELECT name, value FROM refs WHERE name = ?", (name,))
        return texts(rows)[name] if rows else None

    def list(self, prefix: str = "") -> Mapping[str, str]:
        """All refs whose names start with `prefix`, sorted by name."""
        sql = "SELECT name, value FROM refs WHERE name >= ? AND name < ? ORDER BY name"
        return texts(self._file.fetch(sql, bounds(prefix)))


class SqliteCaches:
    """Caches in a table."""

    def __init__(self, file: File) -> None:
        self._file = file

    def get(self, name: str) -> bytes | None:
        """The value that is kept under a name; None if there is none."""
        rows = self._file.fetch("SELECT value FROM caches WHERE name = ?", (name,))
        return rows[0][0] if rows else None

    def get_all(self, names: Sequence[str]) -> Mapping[str, bytes]:
        """The values that are kept under some of these names."""
        found: dict[str, bytes] = {}
        for start in range(0, len(names), PART):
            part = tuple(names[start : start + PART])
            marks = ", ".join("?" * len(part))
            found |= dict(self._file.fetch(f"SELECT name, value FROM caches WHERE name IN ({marks})", part))
        return found

    def names(self, prefix: str = "") -> Sequence[str]:
        """All names that start with `prefix`, sorted."""
        sql = "SELECT name FROM caches WHERE name >= ? AND name < ? ORDER BY name"
        return [name for [name] in self._file.fetch(sql, bounds(prefix))]

    def set(self, name: str, value: bytes | None) -> None:
        """Keep a value, or forget it; see `Caches.set`."""

        def work(connection: apsw.Connection, _again: bool) -> None:
            if value is None:
                connection.execute("DELETE FROM caches WHERE name = ?", (name,))
            else:
                connection.execute("INSERT OR REPLACE INTO caches VALUES (?, ?)", (name, value))

        self._file.write(work)


def texts(rows: Sequence[Row]) -> dict[str, str]:
    """Names and values. Raises `StoreCorrupt` if a column holds another type of value: only damage does that."""
    for name, value in rows:
        if not (isinstance(name, str) and isinstance(value, str)):
            raise StoreCorrupt(f"the ref {name!r} is damaged: its value is not a text")
    return dict(rows)


def bounds(prefix: str) -> tuple[str, str | bytes]:
    """Between which names those with a prefix are. SQLite orders every blob after every text."""
    end = beyond(prefix)
    return prefix, b"" if end is None else end


class StoreOver:
    """Logs, refs and caches over a file; units are written one call after the other."""

    def __init__(self, file: File) -> None:
        self.refs = SqliteRefs(file)
        self.caches = SqliteCaches(file)
        self._file = file
        self._logs: dict[int, SqliteLog] = {}
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._opening = threading.Lock()

    def write(self, units: Sequence[Unit]) -> list[Outcome]:
        """Do each unit whole or not at all, all of them in one transaction; see `Store.write`."""
        writing: Writing | None = None
        hooked = [unit for unit in units if unit.within is not None]

        def work(connection: apsw.Connection, again: bool) -> list[Outcome]:
            nonlocal writing
            writing = Writing(self, connection, units, again=again)
            outcomes = [writing.do(unit) for unit in units]
            writing.finish()
            if hooked:
                with SqliteTransaction(connection) as transaction:
                    run_hooks(transaction, units, outcomes, writing.added)
            return outcomes

        try:
            outcomes = self._file.write(work)
        except Lost as lost:
            raise self._file.lose(str(lost)) from None
        except BaseException:
            if writing is not None:
                writing.forget()
            raise
        if writing is not None:
            self._kept(writing)
        return outcomes

    def _kept(self, writing: Writing) -> None:
        writing.kept()
        for number in writing.dropped:
            self._logs.pop(number, None)

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call a function when a log may have grown; see `Store.watch`."""
        raise NotImplementedError

    def log(self, number: int = 0) -> SqliteLog:
        """Open a log; see `Store.log`. The same object for the same number."""
        with self._opening:
            return self._log(number, self._file.fetch)

    def known(self, number: int, connection: apsw.Connection) -> SqliteLog | None:
        """A log, found over a connection where it is not open; see `writing.Logs`."""
        with self._opening:
            try:
                return self._log(number, lambda sql, arguments: connection.execute(sql, arguments).fetchall())
            except KeyError:
                return None

    def _log(self, number: int, fetch: Callable[[str, Sequence[Any]], list[Row]]) -> SqliteLog:
        if number not in self._logs:
            self._logs[number] = self.fresh(number, self._origin(number, fetch))
        return self._logs[number]

    def fresh(self, number: int, origin: Head) -> SqliteLog:
        """A log of which nothing is remembered; see `writing.Logs`."""
        return SqliteLog(self._file, number, origin, self.write, self)

    def logs(self) -> Sequence[int]:
        """The numbers of all logs."""
        return [number for [number] in self._file.fetch("SELECT number FROM logs ORDER BY number")]

    def origin(self, number: int = 0) -> Head:
        """The point that a log stands on; see `Store.origin`."""
        return self._origin(number, self._file.fetch)

    def _origin(self, number: int, fetch: Callable[[str, Sequence[Any]], list[Row]]) -> Head:
        if not 0 <= number <= LAST_LOG:
            raise KeyError(number)
        rows = fetch(ORIGIN_OF, (number,))
        if not rows and number == 0:
            raise StoreCorrupt(f"{self._file.path}: log 0 is missing in the table of logs")
        if not rows:
            raise KeyError(number)
        position, hash, time, made_by, digest = rows[0]
        if number == 0 and (position, hash, time) == (0, NO_HASH, 0):
            return ORIGIN  # it stands on nothing: no digest to compare, and none to load for a verb that only reads
        if row_digest(number, position, hash, time, made_by) != digest:
            raise StoreCorrupt(f"{self._file.path}: the origin of log {number} was changed")
        return head_of((position, hash, time))

    def holding(self, position: int, hash: bytes) -> Sequence[int]:
        """The logs that have this commit; see `Store.holding`."""
        if not 0 < position <= POSITION:
            return []
        return [number for [number] in self._file.fetch(HOLDING, (position, hash))]

    def problems(self) -> Iterator[str]:
        """Nothing is known here of pages and indexes."""
        return iter(())
