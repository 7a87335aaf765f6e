"""Which rows of a source differ from those of a table, and which rows it does not have, whatever the number of both.

Events of rows and given rows lie in one temporary database, which SQLite sorts by key on disk. So memory does not grow
with the table, and nothing is written before the source was read to its end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec

from backstory.errors import Refused
from backstory.rows import kinds
from backstory.rows.events import Fields, RowChanged, RowEvent, RowInserted, after, json_of
from backstory.rows.kinds import key_in, kind
from backstory.stores.sqlite.temporary import room, temporary
from backstory.values.event_data import RecordedEvent
from backstory.values.event_types import event_type

INSERTED, CHANGED, DELETED, WITHHELD, GIVEN = range(5)
UNKNOWN = b""
"""A row of which somebody has withheld an event: it is there, and differs from every row that is given."""

TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -16000;
CREATE TABLE facts (number INTEGER PRIMARY KEY, key TEXT, kind INTEGER, data BLOB);
CREATE TABLE differing (number INTEGER PRIMARY KEY, key TEXT, data BLOB);
CREATE TABLE gone (key TEXT);
"""
AT_ONCE = 1_000
"""Rows that are handed to SQLite at a time."""

Spoken = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Those of the fields of a row of which the rows of a source speak."""


_fields = msgspec.json.Decoder(Fields).decode
_named = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Sieve:
    """The rows of one table and those of a source. Raises `OSError` where the temporary folder has no room."""

    def __init__(self, table: str, spoken: Spoken) -> None:
        self._table = table
        classes = kind(table)
        self._types = {type: event_type(cls) for type, cls in classes.events.items()}
        self._change = event_type(classes.changed).load
        self._spoken = spoken
        self._db = temporary()
        self._db.execute(TABLES).fetchall()
        self._db.execute("BEGIN")
        self.total = self.same = self.deletes = 0
        self._known = 0
        self._has: Counter[str] = Counter()
        self._seen: set[str] = set()
        self._gives: set[str] = set()
        self._is_given = False

    def close(self) -> None:
        """Let the file go."""
        self._db.close(True)

    def events(self, records: Iterable[RecordedEvent]) -> None:
        """Take all events of the table. Raises `UnreadableEvent` for data that fit no event of a row."""
        self._take(map(self._fact, records))

    def given(self, rows: Iterable[tuple[str, Fields]]) -> None:
        """Take the rows of the source."""
        self._take(map(self._given, rows))

    def _given(self, row: tuple[str, Fields]) -> tuple[str, int, bytes]:
        key, fields = row
        self._is_given = True
        self._gives.update(fields)
        return key, GIVEN, json_of(fields)

    def missing(self) -> list[str]:
        """The fields that most of the rows have that are there, and no given row has; none if no row is given."""
        if not self._is_given:
            return []
        return sorted(
            name for name, rows in self._has.items() if 2 * rows > self._known and name not in self._gives
        )

    def new(self) -> list[str]:
        """The fields that given rows have, and no row that is there."""
        return sorted(self._gives - self._has.keys() - self._seen)

    def _fact(self, record: RecordedEvent) -> tuple[str, int, bytes]:
        if not record.data:
            key = key_in(self._table, record.tags)
            return key, DELETED if record.type.endswith(kinds.DELETED) else WITHHELD, b""
        event: RowEvent = self._types[record.type].read(record)
        if isinstance(event, RowInserted):
            return event.key, INSERTED, json_of(event.row)
        return (
            (event.key, CHANGED, record.data) if isinstance(event, RowChanged) else (event.key, DELETED, b"")
        )

    def _take(self, facts: Iterable[tuple[str, int, bytes]]) -> None:
        with room():
            self._db.executemany("INSERT INTO facts (key, kind, data) VALUES (?, ?, ?)", facts)

    def sift(self) -> None:
        """Compare them all. Raises `Refused` if the source has two rows of one key."""
        differing: list[tuple[int, str, bytes]] = []
        gone: list[tuple[str]] = []
        with room():
            for key, given, wanted, now in self._compared():
                self.total += now is not None
                if given is None:
                    if now is not None:
                        gone.append((key,))
                elif now is not None and self._same(wanted, now):
                    self.same += 1
                else:
                    differing.append((given, key, wanted))
                if len(differing) + len(gone) >= AT_ONCE:
                    self._keep(differing, gone)
            self._keep(differing, gone)

    def _same(self, wanted: bytes, now: bytes) -> bool:
        """Whether a row that is there has what a given one says. It may have fields of which no given one speaks."""
        return wanted == now or (now != UNKNOWN and wanted == json_of(self._spoken(_fields(now))))

    def _compared(self) -> Iterator[tuple[str, int | None, bytes, bytes | None]]:
        """Each key with the number of its given row, if there is one, this row, and the row as it is."""
        facts = self._db.execute("SELECT key, kind, data, number FROM facts ORDER BY key, number")
        for key, own in groupby(facts, itemgetter(0)):
            now: bytes | None = None
            given, wanted = None, b""
            for _, what, data, number in own:
                if what == GIVEN:
                    if given is not None:
                        raise Refused(f"{self._table}: two rows have the key {key}", code="twice", key=key)
                    given, wanted = number, data
                elif what == CHANGED:
                    now = self._changed(now, data)
                elif what == WITHHELD:
                    now = UNKNOWN
                else:
                    now = data if what == INSERTED else None
            if now:
                self._count(now, wanted)
            yield key, given, wanted, now

    def _count(self, now: bytes, wanted: bytes) -> None:
        """Count the fields of a row. Those of one that stays as it is are given, so none of them is missing."""
        self._known += 1
        if now != wanted:
            self._has.update(_named(now).keys())
        elif not self._gives <= self._seen:
            self._seen.update(_named(now))

    def _changed(self, row: bytes | None, data: bytes) -> bytes:
        if row == UNKNOWN:
            return UNKNOWN
        return json_of(after(self._change(data), None if row is None else _fields(row)) or {})

    def _keep(self, differing: list[tuple[int, str, bytes]], gone: list[tuple[str]]) -> None:
        self._db.executemany("INSERT INTO differing VALUES (?, ?, ?)", differing)
        self._db.executemany("INSERT INTO gone VALUES (?)", gone)
        self.deletes += len(gone)
        differing.clear()
        gone.clear()

    def differing(self) -> Iterator[tuple[str, Fields]]:
        """The given rows that are new, or differ, in the order in which they were given."""
        with room():
            for key, data in self._db.execute("SELECT key, data FROM differing ORDER BY number"):
                yield key, _fields(data)

    def gone(self) -> Iterator[tuple[str, None]]:
        """The keys of rows that were not given."""
        with room():
            for (key,) in self._db.execute("SELECT key FROM gone"):
                yield key, None
