"""Reading history that people have already: the tables of other libraries, one that somebody describes, Debezium.

`read_audit` gives the changes of a database as entries, and `read_debezium` those of a file. Each is an event of a row,
so `db.table(name)` reads them without code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, tzinfo
from heapq import merge

from backstory.store import Log
from backstory.transfer.formats.audit import debezium
from backstory.transfer.formats.audit.changes import Change, Found, renamed
from backstory.transfer.formats.audit.database import Source
from backstory.transfer.formats.audit.folding import entries
from backstory.transfer.formats.audit.known import Asked, plans
from backstory.transfer.formats.audit.plans import Plan
from backstory.transfer.formats.audit.reading import changes
from backstory.transfer.ids import KeyedIds
from backstory.transfer.source import InputFile, Item, Progress, no_progress
from backstory.values.commit import EPOCH, micros

__all__ = ["Asked", "History", "read_audit", "read_debezium"]

KIND = "audit"
"""The kind of the ids of such commits."""


class History:
    """The history tables of a database: they were found and understood, and are not read yet.

    `tables` are the names that their rows get, by the names of the history tables. `name` is that of the database, as
    people may see it.
    """

    def __init__(self, url: str, asked: Asked = Asked(), *, schema: str | None = None) -> None:  # noqa: B008
        """Raises `SourceError`, as `read_audit` does."""
        self._source = Source(url, schema)
        self.name = self._source.name
        self._fields = asked.fields
        self._plans = plans(self._source.tables(), asked, self.name)
        self.tables = {plan.there.name: plan.table for plan in self._plans}

    def entries(
        self,
        *,
        key: bytes,
        log: Log | None = None,
        zone: tzinfo = UTC,
        progress: Progress = no_progress,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Iterator[Item]:
        """The entries of all tables, as `read_audit` gives them."""
        try:
            streams = [self._paced(plan, at, zone, clock) for at, plan in enumerate(self._plans)]
            ordered = renamed(
                (change for _, _, change in merge(*streams, key=lambda each: each[:2])), self._fields
            )
            for done, item in enumerate(entries(ordered, KeyedIds(KIND, key), log), 1):
                if not done % 1024:
                    progress("reading", done, None)
                yield item
        finally:
            self._source.close()

    def _paced(
        self, plan: Plan, number: int, zone: tzinfo, clock: Callable[[], datetime]
    ) -> Iterator[tuple[int, int, Found]]:
        """The changes of a table with the latest time so far, which never goes back as the time of a log does not.

        One from the future, which an import refuses, holds up nobody.
        """
        latest, most = micros(EPOCH), micros(clock())
        for change in changes(self._source, plan, zone):
            if isinstance(change, Change) and (at := micros(change.time)) <= most:
                latest = max(latest, at)
            yield latest, number, change


def read_audit(
    url: str,
    asked: Asked = Asked(),  # noqa: B008 - immutable
    *,
    key: bytes,
    log: Log | None = None,
    schema: str | None = None,
    zone: tzinfo = UTC,
    progress: Progress = no_progress,
) -> Iterator[Item]:
    """The entries of the history tables of a database: those of each table in its own order, all together by time.

    `url` is one of SQLAlchemy, or the path of a SQLite file; the database is only read. `key` is the store's own, from
    `local.import_key`; `log` is where the entries go: a row that others have written there takes no change that it does
    not have yet. `zone` is that of times without one. Memory is bounded: the database sorts, and the last states
    of rows lie in a temporary file. Raises `SourceError` if the database cannot be read, has no history table, or has
    one whose columns do not tell what they mean; its words have no password.
    """
    return History(url, asked, schema=schema).entries(key=key, log=log, zone=zone, progress=progress)


def read_debezium(
    file: InputFile,
    asked: Asked = Asked(),  # noqa: B008 - immutable
    *,
    key: bytes,
    log: Log | None = None,
    progress: Progress = no_progress,
) -> Iterator[Item]:
    """The entries of a file of Debezium's change events, in its order: one for each event, however often it is there.

    `key` and `log` as for `read_audit`.
    """
    found = renamed(debezium.changes(file, asked, progress), asked.fields)
    return entries(found, KeyedIds(KIND, key), log)
