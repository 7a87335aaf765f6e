"""The writes of one transaction to one log: the log's end, the ids that are known, and the rows to insert."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import apsw
import msgspec

from backstory.stores.hooks import addition
from backstory.stores.rows import emptied
from backstory.stores.sqlite.lineage import Lineage, Lost
from backstory.stores.sqlite.read_plan import RUN
from backstory.stores.sqlite.rows import TAIL, Rows, row_of
from backstory.stores.sqlite.runs import rename, write_run
from backstory.stores.tail import News, Tail
from backstory.unit import Addition, Batch
from backstory.values.commit import Commit, Draft, Head
from backstory.values.event_data import RecordedEvent
from backstory.values.links import words_of
from backstory.values.query import Condition, Query

INSERT_COMMIT = (
    "INSERT INTO commits VALUES (?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, ?, ?, ?, ?)"
)
INSERT_EVENT = "INSERT INTO events VALUES (?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT))"
EMPTY_COMMIT = (
    "UPDATE commits SET author = ?, message = ?, command = CAST(? AS TEXT), metadata = CAST(? AS TEXT), query = ?,"
    " secret = ? WHERE position = ?"
)
EMPTY_EVENT = "UPDATE events SET data = CAST(? AS TEXT) WHERE position = ?"
_encode = msgspec.json.Encoder().encode


class KnownLog(Protocol):
    """The data that are remembered of a log from one transaction to the next."""

    base: int
    origin: Head
    tail: Tail
    lineage: Lineage


class LogWriting:
    """The writes to one log; see `judge.LogView`. It is `gone` if the log was dropped.

    Looks up at once where the log ends, which of `ids` are known, and the value of a ref, if one is named: `ref`.
    """

    def __init__(
        self, connection: apsw.Connection, known: KnownLog, ids: Sequence[str], ref: str | None
    ) -> None:
        self._connection = connection
        self._base = known.base
        self._origin = known.origin
        self._rows = Rows(fetcher(connection), known.base, known.origin)
        self._tail = known.tail
        self._lineage = known.lineage
        found, indexed_ids, self.ref = self._rows.ends_and_more(known.lineage.seen, ids, ref)
        self.gone = found is None and self._rows.dropped()
        if not self.gone and ((lost := known.lineage.lost(found, self._rows)) or found is None):
            raise Lost(lost)
        self.head, self.indexed = found or (known.origin, 0)
        self.found = self.head
        self._tail.catch_up(self.head, self._news)
        self._added: list[tuple[Draft, Commit]] = []
        self._inserted = 0
        # Beyond the indexes it need not look where the recent ids reach back as far.
        self._known = {*indexed_ids, *self._rows.known_beyond(ids, self.indexed, self._tail.seen.start)}
        self._asked = set(ids)

    def _news(self, left: Head) -> News | None:
        """The events that others appended after `left`; None if they are many, or the log does not have that point."""
        upto = self.head.position
        if not left.position < upto <= left.position + TAIL or self._rows.hash_at(left.position) != left.hash:
            return None
        return self._rows.news(left.position, upto)

    def known(self, id: str) -> Commit | None:
        """The commit with this id; see `judge.LogView`."""
        if id not in self._asked:
            self._asked.add(id)
            self._known.update(self._rows.known_ids([id], self.indexed, self.found.position))
        if id not in self._known and id not in self._tail.seen.ids:
            return None
        self.insert()
        return self._rows.by_id(id, self.indexed)

    def matching(self, condition: Condition, limit: int) -> Sequence[RecordedEvent]:
        """The first events that the condition forbids; see `judge.LogView`."""
        if self._tail.seen.rules_out(condition.query, condition.after):
            return ()
        self.insert()
        # The events that this transaction has added are beyond the indexes as well.
        events = self._rows.events(
            condition.query, condition.after, self.head.position, self.indexed, limit=limit
        )
        return list(events)

    def hash_at(self, position: int) -> bytes | None:
        """The hash of the commit that ends at a position, or of the origin; see `judge.LogView`."""
        known = self._tail.seen.hashes.get(position)
        if known is not None:
            return known
        if position == self._origin.position:
            return self._origin.hash
        if not self._origin.position < position <= self.head.position:
            return None
        self.insert()
        return self._rows.hash_at(position)

    def add(self, batch: Batch, commits: Sequence[Commit]) -> None:
        """Append a batch that was judged."""
        for draft, commit in zip(batch, commits, strict=True):
            self._added.append((draft, commit))
            self.head = self._tail.add(commit, draft.events)

    def withhold(self, commit: Commit, places: Sequence[int]) -> None:
        """Write a commit and its events anew without these parts."""
        self.insert()
        events = list(self._rows.events(Query.all(), commit.first - 1, commit.position, self.indexed))
        kept, rest = emptied(commit, events, places)
        key, old, new = self._base + commit.position, commit.metadata_json, kept.metadata_json
        if commit.position <= self.indexed and words_of(old) != words_of(new):
            rename(self._connection, key, events[-1].tags, commit.hash, old, new)
        _size, _id, _time, _authored, *parts, query, _after, secret = row_of(kept)[:11]
        self._connection.execute(EMPTY_COMMIT, (*parts, query, secret, key))
        first = self._base + commit.first
        self._connection.executemany(
            EMPTY_EVENT, [(event.data, position) for position, event in enumerate(rest, first)]
        )

    def added(self) -> Addition:
        """The commits and events that were added."""
        return addition(self._added)

    def finish(self) -> None:
        """Insert the rows that are left, and index a run if there is one."""
        self.insert()
        if self.head.position - self.indexed >= RUN:
            write_run(self._connection, self._base, self.indexed, self.found.position, self._added)

    def insert(self) -> None:
        """Insert the commits that were added since the last time: few statements for many commits."""
        if self._inserted == len(self._added):
            return
        base, new = self._base, self._added[self._inserted :]
        self._inserted = len(self._added)
        commits = [(base + commit.position, *row_of(commit)) for _, commit in new]
        events = [
            (position, base + commit.position, event.type, event.version, _encode(event.tags), event.data)
            for draft, commit in new
            for position, event in enumerate(draft.events, base + commit.first)
        ]
        self._connection.executemany(INSERT_COMMIT, commits)
        self._connection.executemany(INSERT_EVENT, events)

    def kept(self) -> None:
        """Remember that all of it is written."""
        self._tail.durable(self.head.position)
        mark = self.found.withheld
        self._lineage.note(self.head if self.head.withheld == mark else self.head.marked(mark))

    def forget(self) -> None:
        """Remember nothing: nobody knows which commits were kept."""
        self._tail.forget()


def fetcher(connection: apsw.Connection) -> Any:
    """How rows are fetched over one connection."""
    return lambda sql, arguments: connection.execute(sql, arguments).fetchall()
