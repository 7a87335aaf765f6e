"""A log in which some decisions are replaced by others, at their places: nothing of it is in the store.

The events of a replaced commit are not given, and those that took their place have its positions; if they are more,
the last position several times. All else is read from the log below. The replacements lie in a temporary database of
SQLite, which has no name, and which the system takes away with the process, however that ends; so they may be many.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import islice
from operator import attrgetter

import apsw
import msgspec

from backstory.errors import StoreRefused
from backstory.history.backtest.passing import Passed
from backstory.lookup import counted
from backstory.store import ALL, Log, Verdict
from backstory.stores.guarded import SameCommits
from backstory.unit import Batch
from backstory.values.commit import Commit
from backstory.values.event_data import EventCount, EventData, RecordedEvent
from backstory.values.query import Query

SCHEMA = """
CREATE TABLE event (position INTEGER, number INTEGER, held BLOB, PRIMARY KEY (position, number)) WITHOUT ROWID;
CREATE TABLE word (word TEXT, position INTEGER, PRIMARY KEY (word, position)) WITHOUT ROWID;
BEGIN;
"""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(RecordedEvent).decode


class PatchedLog(SameCommits):
    """The view; see the module. It is read forwards, and takes nothing but `replace`, in the order of the log."""

    def __init__(self, log: Log, start: int = 0) -> None:
        super().__init__(log)
        self._log = log
        self._passed = Passed(start)
        self._new: list[RecordedEvent] = []
        self._replaced = array("q")
        self._held: apsw.Connection | None = None

    @property
    def is_patched(self) -> bool:
        """Whether any decision was replaced."""
        return bool(self._replaced)

    def append(self, batches: Sequence[Batch], **_: object) -> list[Verdict]:  # noqa: ARG002 - it takes none
        """Raise `StoreRefused`: only `replace` changes it."""
        raise StoreRefused("a log with replaced decisions takes no others")

    def replace(self, commit: Commit, events: Sequence[EventData]) -> list[RecordedEvent]:
        """Let these events stand in the place of those of a commit, later than all that were replaced before."""
        self._replaced.append(commit.position)
        placed = [
            RecordedEvent(
                min(commit.first + index, commit.position),
                commit.position,
                event.type,
                event.version,
                event.tags,
                event.data,
            )
            for index, event in enumerate(events)
        ]
        self._new += placed
        held = self._connection()
        for number, event in enumerate(placed):
            held.execute("INSERT INTO event VALUES (?, ?, ?)", (event.position, number, _encode(event)))
            for word in (f"type:{event.type}", *(f"tag:{tag}" for tag in event.tags)):
                held.execute("INSERT OR IGNORE INTO word VALUES (?, ?)", (word, event.position))
        return placed

    def passed(self, upto: int) -> None:
        """Note that all decisions up to a position are replaced that will be."""
        self._passed.saw(self._new, upto)
        self._new = []

    def _connection(self) -> apsw.Connection:
        if self._held is None:
            self._held = apsw.Connection("")
            self._held.execute(SCHEMA)
        return self._held

    def read(
        self,
        query: Query = ALL,
        *,
        after: int = 0,
        upto: int | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Iterator[RecordedEvent]:
        """Stream the events that match; see `Log.read`."""
        if not self._replaced or (upto is not None and upto < self._replaced[0]):
            return self._log.read(query, after=after, upto=upto, backwards=backwards, limit=limit)
        if backwards:
            raise StoreRefused("a log with replaced decisions is read forwards")
        kept = filter(self._is_kept, self._log.read(query, after=after, upto=upto))
        if self._passed.rules_out(query, after, upto):
            return islice(kept, limit)
        end = self._replaced[-1] if upto is None else upto
        both = merge(kept, self._placed(query, after, end), key=attrgetter("position"))
        return islice(both, limit)

    def counts(self, *, after: int = 0, upto: int | None = None) -> list[EventCount]:
        """Count the events; see `Log.counts`."""
        return counted(self, after, upto)

    def _is_kept(self, event: RecordedEvent) -> bool:
        index = bisect_left(self._replaced, event.commit)
        return index == len(self._replaced) or self._replaced[index] != event.commit

    def _placed(self, query: Query, after: int, upto: int) -> Iterator[RecordedEvent]:
        words = [
            words
            for clause in query.clauses
            for words in (
                [f"tag:{clause.tags[0]}"] if clause.tags else [f"type:{type}" for type in clause.types]
            )
        ]
        found: Iterable[tuple[bytes]]
        if not words or any(not clause.tags and not clause.types for clause in query.clauses):
            sql = "SELECT held FROM event WHERE position > ? AND position <= ? ORDER BY position, number"
            found = self._connection().execute(sql, (after, upto))
        else:
            wanted = msgspec.json.encode(sorted(set(words))).decode()
            sql = (
                "SELECT held FROM event WHERE position IN (SELECT position FROM word WHERE word IN"
                " (SELECT value FROM json_each(?)) AND position > ? AND position <= ?) ORDER BY position, number"
            )
            found = self._connection().execute(sql, (wanted, after, upto))
        return (event for event in (_decode(held) for (held,) in found) if query.matches(event))
