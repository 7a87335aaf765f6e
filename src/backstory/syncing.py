"""Writing many rows of a table: what differs, a batch at a time; and making a table be what a file says.

A source that ends too early must not delete anything, so all of it is read before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any, cast

import msgspec

from backstory.decide.loading import Reads
from backstory.errors import DuplicateRow, MissingRow, Refused, StaleRow
from backstory.rows.change import RowChange, change_all, digests, freed
from backstory.rows.events import Fields
from backstory.rows.kinds import Kind, types_of
from backstory.sifting import Sieve, Spoken
from backstory.values.query import Query

if TYPE_CHECKING:
    from backstory.database import Database
    from backstory.rows.kinds import Row
    from backstory.values.commit import Commit

BATCH = 1_000
"""Rows in a commit of many rows, unless somebody says another number."""

ATTEMPTS = 20
"""How often a batch is read again that others change meanwhile."""

SHARE = 10
"""Percent of the rows that a `sync` may delete unless it is told otherwise: half a file is the commonest input."""

Towards = Callable[[str, Fields | None, Fields], RowChange | None]
"""The change that takes a row, if it is there, to these fields; None if it is there."""


class Written(msgspec.Struct):
    """How many rows were inserted, changed, deleted, and as they are already; and in how many commits.

    `ranges` are the commits, as `revert` takes them, the oldest first: `#11..#14` is what came after #11, up to #14.
    There is one, unless somebody else has written in between.
    """

    inserted: int = 0
    changed: int = 0
    deleted: int = 0
    same: int = 0
    commits: int = 0
    ranges: list[str] = []

    def took(self, commit: Commit) -> None:
        """Count a commit."""
        self.commits += 1
        before = f"#{commit.first - 1}"
        if self.ranges and self.ranges[-1].endswith(f"..{before}"):
            before = self.ranges.pop().partition("..")[0]
        self.ranges.append(f"{before}..#{commit.position}")


class Syncing:
    """Many rows of one table on their way. `said` is what each commit says; `whole` rows have all fields."""

    def __init__(
        self,
        db: Database,
        kind: Kind,
        unique: tuple[str, ...],
        towards: Towards,
        spoken: Spoken,
        batch: int,
        said: Mapping[str, Any],
        *,
        whole: bool,
    ) -> None:
        self._db = db
        self._kind = kind
        self._unique = unique
        self._towards = towards
        self._spoken = spoken
        self._batch = batch
        self._said = said
        self._whole = whole
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
                commit = self._db.execute(command, **self._said)
            except (StaleRow, MissingRow, DuplicateRow) as meanwhile:
                tries += 1
                if tries == ATTEMPTS or (isinstance(meanwhile, DuplicateRow) and meanwhile.fields):
                    raise
                continue
            assert commit is not None
            self.written.took(commit)
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
            row = cast("Row", state)
            now = row.row
            if fields is not None:
                change = self._towards(key, None if row.withheld and self._whole else now, fields)
            else:
                change = None if now is None else RowChange(key, now, None)
            if change is not None:
                found.append(change)
        return _in_turn(found, self._unique) if self._unique else found

    def sync(
        self, rows: Iterable[tuple[str, Fields]], allowed: int | None, may_miss: Collection[str] | None
    ) -> None:
        """Make the table have these rows and no others. Raises `Refused`, and then nothing was written.

        `allowed` is the most deletions; `may_miss` are the fields that may be in no given row, all if it is None.
        """
        if allowed is not None and allowed < 0:
            raise ValueError(f"allow_deletes is a number of rows, not {allowed}")
        with closing(Sieve(self._kind.name, self._spoken)) as sieve:
            sieve.events(self._db.handle.now().log.read(Query.of(types=types_of(self._kind.name))))
            sieve.given(rows)
            sieve.sift()
            most = sieve.total * SHARE // 100 if allowed is None else allowed
            if sieve.deletes > most:
                why = _too_many(self._kind.name, sieve.deletes, sieve.total, allowed)
                raise Refused(why, code="deletes", deletes=sieve.deletes)
            if may_miss is not None:
                self._check_fields(sieve, may_miss)
            self.written.same += sieve.same
            self.write(sieve.gone())  # first: a row that is new may have a unique value of one that is gone
            self.write(sieve.differing())

    def _check_fields(self, sieve: Sieve, may_miss: Collection[str]) -> None:
        missing = [name for name in sieve.missing() if name not in may_miss]
        if missing:
            new = f", but they have {', '.join(sieve.new())}, which no row has" if sieve.new() else ""
            then = "are taken away" if self._whole else "stay as they are"
            raise Refused(
                f"{self._kind.name}: most rows have {', '.join(missing)}, and none of those that were given has"
                f" it{new}. Are they rows of this table? If they are, allow these fields to be missing: they {then}",
                code="missing",
                missing=missing,
            )


def _in_turn(changes: list[RowChange], unique: Sequence[str]) -> list[RowChange]:
    """The changes, each after the one that frees a unique value which it takes. None can be first of a circle: two rows
    that exchange their values are refused."""
    frees = {digest: number for number, one in enumerate(changes) for digest in freed(one, unique)}
    after = {
        number: {frees[digest] for digest in digests(one.set, unique) if digest in frees} - {number}
        for number, one in enumerate(changes)
    }
    if not any(after.values()):
        return changes
    try:
        return [changes[number] for number in TopologicalSorter(after).static_order()]
    except CycleError:
        return changes


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
