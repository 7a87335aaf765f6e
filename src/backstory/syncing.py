"""Writing many rows of a table: what differs, a batch at a time; and making a table be what a file says.

Only a digest of each row is held in memory; rows that differ wait in a temporary file until all were read, because a
source that ends too early must not delete anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any, cast

import msgspec

from backstory.decide.loading import Reads
from backstory.errors import DuplicateRow, MissingRow, Refused, StaleRow
from backstory.rows.change import RowChange, change_all
from backstory.rows.events import Fields, json_of
from backstory.rows.kinds import Kind, types_of
from backstory.values.query import Query

if TYPE_CHECKING:
    from backstory.database import Database
    from backstory.rows.kinds import Row

BATCH = 1_000
"""Rows in a commit of many rows, unless somebody says another number."""

ATTEMPTS = 20
"""How often a batch is read again that others change meanwhile."""

IN_MEMORY = 16 << 20
"""Bytes of rows that differ which are held in memory; more are in a temporary file."""

SHARE = 10
"""Percent of the rows that a `sync` may delete unless it is told otherwise: half a file is the commonest input."""

GIVEN = b"given"
"""Stands for the digest of a row that the source has."""

Towards = Callable[[str, Fields | None, Fields], RowChange | None]
"""The change that takes a row, if it is there, to these fields; None if it is there."""


class Written(msgspec.Struct):
    """How many rows were inserted, changed, deleted, and as they are already; and in how many commits."""

    inserted: int = 0
    changed: int = 0
    deleted: int = 0
    same: int = 0
    commits: int = 0


class Syncing:
    """Many rows of one table on their way. `said` is what each commit says."""

    def __init__(
        self,
        db: Database,
        kind: Kind,
        unique: tuple[str, ...],
        towards: Towards,
        batch: int,
        said: Mapping[str, Any],
    ) -> None:
        self._db = db
        self._kind = kind
        self._unique = unique
        self._towards = towards
        self._batch = batch
        self._said = said
        self.written = Written()

    def write(self, rows: Iterable[tuple[str, Fields | None]]) -> None:
        """Write rows; None is for one that is to be deleted. Of two with one key, the later one counts."""
        for some in _batched(rows, self._batch):
            self._write(dict(some))

    def _write(self, rows: Mapping[str, Fields | None]) -> None:
        tries = 0
        while True:
            changes = self._changes(rows)
            if not changes:
                break
            command = change_all(table=self._kind.name, changes=changes, unique=self._unique)
            try:
                self._db.execute(command, **self._said)
            except (StaleRow, MissingRow, DuplicateRow) as meanwhile:
                tries += 1
                if tries == ATTEMPTS or (isinstance(meanwhile, DuplicateRow) and meanwhile.fields):
                    raise
                continue
            self.written.commits += 1
            break
        inserted = sum(one.was is None for one in changes)
        deleted = sum(one.set is None for one in changes)
        self.written.inserted += inserted
        self.written.deleted += deleted
        self.written.changed += len(changes) - inserted - deleted
        self.written.same += len(rows) - len(changes)

    def _changes(self, rows: Mapping[str, Fields | None]) -> list[RowChange]:
        """The changes that lead to these rows from those that are there."""
        loader = self._db.handle.now().loader
        states, _ = loader.load_all(Reads([self._kind.row(key) for key in rows]))
        found = []
        for state, (key, fields) in zip(states, rows.items(), strict=True):
            now = cast("Row", state).row
            if fields is not None:
                change = self._towards(key, now, fields)
            else:
                change = None if now is None else RowChange(key, now, None)
            if change is not None:
                found.append(change)
        return found

    def sync(self, rows: Iterable[tuple[str, Fields]], allowed: int | None) -> None:
        """Make the table have these rows and no others. Raises `Refused`, and then nothing was written."""
        known = self._digests()
        total, given = len(known), 0
        with SpooledTemporaryFile(IN_MEMORY) as spool:
            for key, fields in rows:
                digest = known.get(key)
                if digest is GIVEN:
                    raise Refused(f"{self._kind.name}: two rows have the key {key}", code="twice", key=key)
                given += key in known
                known[key] = GIVEN
                if digest == _digest(fields):
                    self.written.same += 1
                else:
                    spool.write(msgspec.json.encode((key, fields)) + b"\n")
            most = total * SHARE // 100 if allowed is None else allowed
            if total - given > most:
                raise Refused(_too_many(self._kind.name, total - given, total, allowed), code="deletes")
            spool.seek(0)
            self.write(map(_row, cast("Iterable[bytes]", spool)))
        self.write((key, None) for key, digest in known.items() if digest is not GIVEN)

    def _digests(self) -> dict[str, bytes | None]:
        """A digest of each row that is there; None for one that was changed, which has to be read again."""
        found: dict[str, bytes | None] = {}
        inserted, changed, _ = types_of(self._kind.name)
        for record in self._db.handle.now().log.read(Query.of(types=types_of(self._kind.name))):
            event = _event(record.data)
            if record.type == inserted:
                found[event.key] = _digest(event.row)
            elif record.type == changed:
                found[event.key] = None
            else:
                found.pop(event.key, None)
        return found


class _Event(msgspec.Struct):
    """The parts of an event of a row that a digest needs."""

    key: str
    row: Fields = {}


_event = msgspec.json.Decoder(_Event).decode
_row = msgspec.json.Decoder(tuple[str, Fields]).decode


def _digest(fields: Mapping[str, Any]) -> bytes:
    return hashlib.blake2b(json_of(fields), digest_size=16).digest()


def _too_many(table: str, deletes: int, total: int, allowed: int | None) -> str:
    limit = f"{SHARE} percent" if allowed is None else f"{allowed:,}"
    return (
        f"{table}: {deletes:,} of {total:,} rows are not among those that were given, and at most {limit} may be"
        f" deleted. Is the source whole? If it is, allow so many deletions: {deletes}"
    )


def _batched(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
