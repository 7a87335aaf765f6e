"""The logs, refs and caches of a schema, over the server or over a transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol, TypeVar

from backstory.stores.postgres import lookups
from backstory.stores.postgres.append_call import Offer, offer
from backstory.stores.postgres.calls import MOST_BYTES, Added, Call, calls, outcomes, send_together
from backstory.stores.postgres.locks import locks
from backstory.stores.postgres.log import PostgresLog
from backstory.stores.postgres.session import Fetching, Inside, Session
from backstory.stores.postgres.writing import HookFailed, Writing
from backstory.unit import Outcome, Unit
from backstory.values.commit import Head

T = TypeVar("T")


class Running(Fetching, Protocol):
    """The place where work is done, and done again if that may help."""

    @property
    def commits_read(self) -> bool:
        """Whether a statement alone is a transaction of its own in READ COMMITTED."""
        ...

    def run(self, work: Callable[[Session], T]) -> T:
        """Do a piece of work that is harmless to do twice."""
        ...


class PostgresRefs:
    """Refs in a table."""

    def __init__(self, source: Fetching) -> None:
        self._source = source

    def get(self, name: str) -> str | None:
        """The value of a ref, None if there is none."""
        return lookups.ref(self._source, name)

    def list(self, prefix: str = "") -> Mapping[str, str]:
        """All refs whose names start with `prefix`, sorted by name."""
        return lookups.refs(self._source, prefix)


class PostgresCaches:
    """Caches in a table."""

    def __init__(self, source: Running) -> None:
        self._source = source
        self._table = f"{source.address.schema}.caches"

    def get(self, name: str) -> bytes | None:
        """The value that is kept under a name; None if there is none."""
        return self.get_all([name]).get(name)

    def get_all(self, names: Sequence[str]) -> Mapping[str, bytes]:
        """The values that are kept under some of these names."""
        if not names:
            return {}
        sql = f"SELECT name, value FROM {self._table} WHERE name = ANY(ARRAY(SELECT unnest(%s::text[])))"
        return dict(self._source.fetch(sql, (list(names),)))

    def names(self, prefix: str = "") -> Sequence[str]:
        """All names that start with `prefix`, sorted."""
        within, bounds = lookups.names(prefix)
        sql = f"SELECT name FROM {self._table} WHERE {within} ORDER BY name"
        return [name for [name] in self._source.fetch(sql, bounds)]

    def set(self, name: str, value: bytes | None) -> None:
        """Keep a value, or forget it; see `Caches.set`."""
        sql = f"DELETE FROM {self._table} WHERE name = %s"
        arguments: tuple[str | bytes, ...] = (name,)
        if value is not None:
            sql = f"INSERT INTO {self._table} VALUES (%s, %b) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
            arguments = (name, value)
        self._source.run(lambda session: session.small.execute(sql.encode(), arguments))


class StoreOver:
    """Logs and refs over a server or a transaction; units are written one call after the other."""

    def __init__(self, source: Running) -> None:
        self.refs = PostgresRefs(source)
        self.caches = PostgresCaches(source)
        self._source = source
        self._logs: dict[int, PostgresLog] = {}

    def write(self, units: Sequence[Unit]) -> list[Outcome]:
        """Do each unit whole or not at all, all of them in one transaction; see `Store.write`."""
        offers = list(map(offer, units))
        said = self._write_at_once(units, offers)
        return self._write_together(units, offers) if said is None else said

    def _write_at_once(self, units: Sequence[Unit], offers: Sequence[Offer | None]) -> list[Outcome] | None:
        """Write units that only append, in one statement; None if they take a transaction of several."""
        if not self._source.commits_read or any(unit.within is not None for unit in units):
            return None
        of_log: dict[int, list[int]] = {}
        for place, each in enumerate(offers):
            if each is None:
                return None
            of_log.setdefault(each.log, []).append(place)
        if len(of_log) > 1:
            of_log = dict(sorted(of_log.items()))
        return self._send(units, offers, of_log) if of_log else None

    def _send(
        self, units: Sequence[Unit], offers: Sequence[Offer | None], of_log: Mapping[int, Sequence[int]]
    ) -> list[Outcome] | None:
        sent: list[Call] = []
        for number, places in of_log.items():
            try:
                log = self.log(number)
            except KeyError:
                return None
            own = [each for place in places if (each := offers[place]) is not None]
            sent += calls(own, log.seen.position, alone=len(of_log) == 1)
        if len(sent) > len(of_log) or (len(sent) > 1 and sum(call.size for call in sent) > MOST_BYTES):
            return None
        schema = self._source.address.schema
        if len(sent) == 1:
            rows = [self._source.run(partial(sent[0].send, schema=schema))]
        else:
            rows = self._source.run(partial(send_together, sent, locks(units), schema=schema))
        said: dict[int, Outcome] = {}
        for (number, places), call, row in zip(of_log.items(), sent, rows, strict=True):
            outcome, added = outcomes(call, row, self._logs[number].rows)
            self._kept(number, added)
            said |= zip(places, outcome, strict=True)
        return [said[place] for place in range(len(units))]

    def _write_together(self, units: Sequence[Unit], offers: Sequence[Offer | None]) -> list[Outcome]:
        def work(session: Session) -> tuple[list[Outcome], Writing]:
            with session.transaction():
                writing = Writing(Inside(self._source.address, session), self._logs.get)
                return writing.do(units, offers), writing

        try:
            said, writing = self._source.run(work)
        except HookFailed as failed:
            raise failed.error from None
        for number in writing.dropped:
            self._logs.pop(number, None)
        for number, added in writing.added.items():
            self._kept(number, added)
        return said

    def _kept(self, number: int, added: Added) -> None:
        """Remember events that were appended to a log, and kept."""
        if number in self._logs:
            self._logs[number].note(added)

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call a function when a log may have grown; see `Store.watch`."""
        raise NotImplementedError

    def log(self, number: int = 0) -> PostgresLog:
        """Open a log; see `Store.log`. The same object for the same number."""
        log = self._logs.get(number)
        if log is None:  # of several threads, one opens it for all
            log = self._logs.setdefault(number, self._open(number, self.origin(number)))
        return log

    def _open(self, number: int, origin: Head) -> PostgresLog:
        return PostgresLog(self._source, number, origin, self.write, self)

    def logs(self) -> Sequence[int]:
        """The numbers of all logs."""
        return lookups.log_numbers(self._source)

    def origin(self, number: int = 0) -> Head:
        """The point that a log stands on; see `Store.origin`."""
        origin = lookups.origin_of(self._source, number)
        if origin is None:
            raise KeyError(number)
        return origin

    def holding(self, position: int, hash: bytes) -> Sequence[int]:
        """The logs that have this commit; see `Store.holding`."""
        return lookups.holding(self._source, position, hash)
