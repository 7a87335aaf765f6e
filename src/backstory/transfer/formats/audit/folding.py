"""From changes to entries: each change becomes the event of a row, on the row as the changes before it left it.

The last state of each row lies in a temporary SQLite file, which holds a part in memory: there may be more rows than
memory has room for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, Self

import msgspec

from backstory.lookup import Commits, commit_with
from backstory.rows.events import Fields, RowEvent, json_of, same
from backstory.rows.kinds import kind, types_of
from backstory.store import Log
from backstory.stores.sqlite.temporary import room, temporary
from backstory.transfer.formats.audit.changes import Change, Found
from backstory.transfer.ids import KeyedIds
from backstory.transfer.source import MALFORMED, Entry, Item, Known, Rejected
from backstory.values.codec import PLAIN
from backstory.values.commit import draft, micros
from backstory.values.ids import derived
from backstory.values.query import Query

CACHE = 32 << 20
"""Bytes of last states in memory."""

METADATA = "audit"
"""The part of a commit's metadata that says what else the source knew of the change."""

AGAIN = (
    "a change before it has the same place in its database, and says something else of this row: is it a copy of"
    " another database's log?"
)
"""Why a change is a reject whose place was met."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def entries(changes: Iterable[Found], ids: KeyedIds, log: Log | None = None) -> Iterator[Item]:
    """The entries of changes, each with an id that follows from the table and the identity of the change.

    `log` is the one that they go to. A row that others have written there takes no older change from elsewhere, which
    would undo theirs: a change that the log does not have yet is a reject then.
    """
    upto = 0 if log is None else log.head().position
    known: set[str] = set()
    with LastStates() as last:
        for change in changes:
            if isinstance(change, Rejected):
                yield change
                continue
            try:
                id = ids.timed(micros(change.time), change.table, *change.identity)
                said = _digest(change)
                if (seen := last.seen(id)) is not None:
                    if seen != said:
                        raise ValueError(AGAIN)
                    yield Known(1)
                    continue
                if log is not None and change.table not in known:
                    known.add(change.table)
                    last.note_others(change.table, others(log, change.table, ids.kind, upto))
                written = last.by_others(change.table, change.key)
                if log is not None and written and commit_with(log, id) is None:
                    raise ValueError(
                        f"{change.table} {change.key} was written here by others, last at #{written}, and a change from"
                        " elsewhere cannot come after that: import it into a table of another name"
                    )
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
            last.keep(change.table, change.key, fields, id, said)
            yield Entry(made, str(change.place), change.place.line, raw=change.place.raw)


def _digest(change: Change) -> bytes:
    """The beginning of a digest of what a change says."""
    said = json_of([change.fields, change.deleted])
    return hashlib.blake2b(said, digest_size=8).digest()


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


def others(log: Log, table: str, kind: str, upto: int) -> Iterator[tuple[str, int]]:
    """The keys of rows of a table, up to a position, with each event of theirs that no such import has brought."""
    own, tag = derived(kind, ""), f"{table}:"
    commits = Commits(log)
    for record in commits.of(log.read(Query.of(types_of(table)), upto=upto)):
        if not commits.chunk(record.commit).id.startswith(own):
            for each in record.tags:
                if each.startswith(tag):
                    yield each.removeprefix(tag), record.position


class LastStates:
    """The last state of each row of each table, and the ids that were met."""

    def __init__(self) -> None:
        self._db = temporary()
        self._db.execute(f"PRAGMA cache_size = -{CACHE >> 10}; PRAGMA journal_mode = OFF")
        self._db.execute(
            "CREATE TABLE rows (name TEXT, key TEXT, fields BLOB, PRIMARY KEY (name, key)) WITHOUT ROWID;"
            "CREATE TABLE others (name TEXT, key TEXT, position INTEGER, PRIMARY KEY (name, key)) WITHOUT ROWID;"
            "CREATE TABLE seen (id TEXT PRIMARY KEY, said BLOB) WITHOUT ROWID; BEGIN"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def note_others(self, table: str, written: Iterable[tuple[str, int]]) -> None:
        """Note rows that others have written, each with the last position."""
        rows = ((table, key, position) for key, position in written)
        with room():
            self._db.executemany("INSERT OR REPLACE INTO others VALUES (?, ?, ?)", rows)

    def by_others(self, table: str, key: str) -> int:
        """The position at which others have written a row last; 0 if nobody has."""
        return self._one("SELECT position FROM others WHERE name = ? AND key = ?", table, key) or 0

    def _one(self, sql: str, *arguments: str) -> Any:
        with room():  # what is read may take the place of what was not written yet
            found = self._db.execute(sql, arguments).fetchone()
        return None if found is None else found[0]

    def seen(self, id: str) -> bytes | None:
        """The digest of the change with this id that was kept; None if there is none."""
        found: bytes | None = self._one("SELECT said FROM seen WHERE id = ?", id)
        return found

    def of(self, table: str, key: str) -> Fields | None:
        """The fields of a row; None if there is no such row."""
        found = self._one("SELECT fields FROM rows WHERE name = ? AND key = ?", table, key)
        return None if found is None else _decode(found)

    def keep(self, table: str, key: str, fields: Fields | None, id: str, said: bytes) -> None:
        """Keep the fields of a row after the change with this id and digest; None if the row is gone."""
        with room():
            if fields is None:
                self._db.execute("DELETE FROM rows WHERE name = ? AND key = ?", (table, key))
            else:
                self._db.execute(
                    "INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", (table, key, _encode(fields))
                )
            self._db.execute("INSERT INTO seen VALUES (?, ?)", (id, said))
