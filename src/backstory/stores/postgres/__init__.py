"""The PostgreSQL store: for servers, and for many processes on many machines."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence

from backstory.commit import Head, from_micros, micros
from backstory.forks import on_fork
from backstory.stores.group import GroupCommit as GroupedLog
from backstory.stores.names import beyond
from backstory.stores.postgres.address import parsed
from backstory.stores.postgres.follow import Follower
from backstory.stores.postgres.log import PostgresLog
from backstory.stores.postgres.schema import prepare, roles
from backstory.stores.postgres.server import Server

__all__ = ["PostgresRefs", "PostgresStore", "roles"]


class PostgresRefs:
    """Refs in a table."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._schema = server.address.schema

    def get(self, name: str) -> str | None:
        """The value of a ref, None where there is none."""
        rows = self._server.fetch(f"SELECT value FROM {self._schema}.refs WHERE name = %s", (name,))
        return rows[0][0] if rows else None

    def list(self, prefix: str = "") -> Mapping[str, str]:
        """All refs whose names start with `prefix`, sorted by name."""
        end = beyond(prefix)
        within = "name >= %s" if end is None else "name >= %s AND name < %s"
        sql = (
            f"SELECT name, value FROM {self._schema}.refs WHERE {within} AND value IS NOT NULL ORDER BY name"
        )
        return dict(self._server.fetch(sql, (prefix,) if end is None else (prefix, end)))

    def set(self, name: str, value: str | None, *, old: str | None) -> bool:
        """Compare and set; see `Refs.set`."""
        sql = f"SELECT {self._schema}.set_ref(%s, %s, %s, %s)"
        return bool(self._server.write(sql, (name, value, old, uuid.uuid4())))


class PostgresStore:
    """Logs and refs in one schema of a database.

    `create` is that of `open_store`; `address` is a URI as libpq takes it, and may name a `schema`.
    """

    def __init__(self, address: str, *, create: bool | None = None) -> None:
        self.server = Server(parsed(address))
        try:
            prepare(self.server, create)
        except BaseException:
            self.server.close()
            raise
        self.refs = PostgresRefs(self.server)
        self._follower = Follower(self.server)
        self._logs: dict[int, GroupedLog] = {}
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._opening = threading.Lock()

    def __repr__(self) -> str:
        return f"PostgresStore({self.server.address.shown!r})"

    def log(self, number: int = 0) -> GroupedLog:
        """Open a log; see `Store.log`. The same object for the same number, so that its appends are grouped."""
        with self._opening:
            if number not in self._logs:
                origin = self.origin(number)
                self._logs[number] = GroupedLog(PostgresLog(self.server, self._follower, number, origin))
            return self._logs[number]

    def create_log(self, origin: Head) -> int:
        """Make an empty log; see `Store.create_log`."""
        sql = f"SELECT {self.server.address.schema}.create_log(%s, %s, %s, %s)"
        return int(self.server.write(sql, (origin.position, origin.hash, micros(origin.time), uuid.uuid4())))

    def logs(self) -> Sequence[int]:
        """The numbers of all logs."""
        sql = f"SELECT number FROM {self.server.address.schema}.logs ORDER BY number"
        return [number for [number] in self.server.fetch(sql)]

    def origin(self, number: int = 0) -> Head:
        """What a log stands on; see `Store.origin`."""
        sql = (
            f"SELECT origin_position, origin_hash, origin_time FROM {self.server.address.schema}.logs"
            " WHERE number = %s"
        )
        rows = self.server.fetch(sql, (number,))
        if not rows:
            raise KeyError(number)
        position, hash, time = rows[0]
        return Head(position, hash, from_micros(time))

    def problems(self) -> Iterator[str]:
        """What is wrong with the index of tags and with rows that no reader sees; see `Store.problems`."""
        from backstory.stores.postgres.check import problems

        return problems(self.server)

    def close(self) -> None:
        """Close every connection. A second call does nothing."""
        self.server.close()
