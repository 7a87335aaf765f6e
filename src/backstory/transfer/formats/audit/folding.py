"""From changes to entries: each change becomes the event of a row, on the row as the changes before it left it.

The last state of each row lies in a temporary SQLite file, which holds a part in memory: there may be more rows than
memory has room for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Self, cast

import apsw
import msgspec

from backstory.rows.events import Fields, RowEvent, same
from backstory.rows.kinds import kind
from backstory.transfer.formats.audit.changes import Change, Found
from backstory.transfer.ids import KeyedIds
from backstory.transfer.source import MALFORMED, Entry, Item, Known, Rejected
from backstory.values.codec import PLAIN
from backstory.values.commit import draft, micros

CACHE = 32 << 20
"""Bytes of last states in memory."""

METADATA = "audit"
"""The part of a commit's metadata that says what else the source knew of the change."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def entries(changes: Iterable[Found], ids: KeyedIds) -> Iterator[Item]:
    """The entries of changes, each with an id that follows from the table and the identity of the change."""
    with LastStates() as last:
        for change in changes:
            if isinstance(change, Rejected):
                yield change
                continue
            try:
                id = ids.timed(micros(change.time), change.table, *change.identity)
                if last.has_seen(id):
                    yield Known(1)
                    continue
                event, fields = happened(change, last.of(change.table, change.key))
                made = draft(
                    [PLAIN.encode(event)],
                    id=id,
                    time=change.time,
                    author=change.author,
                    message=change.message,
                    metadata={METADATA: change.said} if change.said else None,
                    reserved_id=True,
                )
            except MALFORMED as wrong:
                yield change.place.refused(wrong)
                continue
            last.keep(change.table, change.key, fields, id)
            yield Entry(made, str(change.place), change.place.line, raw=change.place.raw)


def happened(change: Change, was: Fields | None) -> tuple[RowEvent, Fields | None]:
    """The event of a change on a row as it was, None if there was none; and the row after it."""
    made, key, fields = kind(change.table), change.key, change.fields
    if change.deleted:
        return made.deleted(key=key, row=fields if was is None else was), None
    if was is None:
        return made.inserted(key=key, row=fields), fields
    set = {name: value for name, value in fields.items() if name not in was or not same(was[name], value)}
    unset = () if change.differs else tuple(name for name in was if name not in fields)
    return made.changed(key=key, set=set, unset=unset), {**was, **fields} if change.differs else fields


class LastStates:
    """The last state of each row of each table, and the ids that were met."""

    def __init__(self) -> None:
        self._db = apsw.Connection("")  # SQLite deletes the file when it is closed
        self._db.execute(f"PRAGMA cache_size = -{CACHE >> 10}; PRAGMA journal_mode = OFF")
        self._db.execute(
            "CREATE TABLE rows (name TEXT, key TEXT, fields BLOB, PRIMARY KEY (name, key)) WITHOUT ROWID;"
            "CREATE TABLE seen (id TEXT PRIMARY KEY) WITHOUT ROWID; BEGIN"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def has_seen(self, id: str) -> bool:
        """Whether a change with this id was kept."""
        return self._db.execute("SELECT 1 FROM seen WHERE id = ?", (id,)).fetchone() is not None

    def of(self, table: str, key: str) -> Fields | None:
        """The fields of a row; None if there is no such row."""
        found = self._db.execute(
            "SELECT fields FROM rows WHERE name = ? AND key = ?", (table, key)
        ).fetchone()
        return None if found is None else _decode(cast("bytes", found[0]))

    def keep(self, table: str, key: str, fields: Fields | None, id: str) -> None:
        """Keep the fields of a row after the change with this id; None if the row is gone."""
        if fields is None:
            self._db.execute("DELETE FROM rows WHERE name = ? AND key = ?", (table, key))
        else:
            self._db.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", (table, key, _encode(fields)))
        self._db.execute("INSERT INTO seen VALUES (?)", (id,))
