"""A log in a PostgreSQL schema, to read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TypeVar

import psycopg

from backstory.errors import HistoryLost, InvalidEvent
from backstory.lookup import counted
from backstory.store import ALL, Verdict
from backstory.stores.appending import append_through
from backstory.stores.postgres.calls import Added
from backstory.stores.postgres.rows import Rows
from backstory.stores.postgres.session import Fetching
from backstory.stores.rows import Row
from backstory.stores.tail import Tail
from backstory.unit import Batch, Hook, Outcome, Step, Unit
from backstory.values.commit import Commit, Head
from backstory.values.event_data import EventCount, RecordedEvent, check_text
from backstory.values.links import Key
from backstory.values.query import Query
from backstory.waiting import Watched, wait_beyond

T = TypeVar("T")

HASH_AT = (
    "SELECT pg_is_in_recovery(), (SELECT made FROM {schema}.meta) > %(number)s"
    " AND NOT EXISTS (SELECT FROM {schema}.logs WHERE number = %(number)s),"
    " (SELECT hash FROM {schema}.commits WHERE key = %(key)s)"
)
"""Whether this server follows another one, whether a log was made and dropped, and the hash of a commit."""


class PostgresLog:
    """One log of a schema: the rows whose keys begin with its number. Its appends go through the store's `write`."""

    def __init__(
        self,
        source: Fetching,
        number: int,
        origin: Head,
        write: Callable[[Sequence[Unit]], list[Outcome]],
        store: Watched,
    ) -> None:
        self.origin = origin
        self.rows = Rows(source, number, origin)
        self.seen = origin
        self._source = source
        self._number = number
        self._write = write
        self._store = store
        self._tail = Tail()

    def append(
        self, batches: Sequence[Batch], *, beside: Sequence[Step] = (), within: Hook | None = None
    ) -> list[Verdict]:
        """Judge and append each batch in one transaction; see `Log.append`."""
        return append_through(self._write, self._number, batches, beside, within)

    def note(self, added: Added) -> None:
        """Remember events that were appended through the store, and kept."""
        self._tail.catch_up(added.found)
        for batch, commits in added.batches:
            for draft, commit in zip(batch, commits, strict=True):
                self._tail.add(commit, draft.events)
        self.seen = added.head
        self._tail.durable(self.seen.position)

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
        if upto is not None and self._tail.rules_out(query, after, upto):
            return iter(())
        upto, there = self._reached(upto)
        found = self.rows.events(query, after, upto, backwards=backwards, limit=limit)
        return found if there else self._of_a_log_that_is_there(found)

    def commits(
        self, *, after: int = 0, upto: int | None = None, backwards: bool = False, limit: int | None = None
    ) -> Iterator[Commit]:
        """Stream the commits; see `Log.commits`."""
        upto, there = self._reached(upto)
        found = self.rows.commits(after, upto, backwards=backwards, limit=limit)
        return found if there else self._of_a_log_that_is_there(found)

    def _of_a_log_that_is_there(self, found: Iterator[T]) -> Iterator[T]:
        """The items that were found. If there are none, the server is asked for the log. Raises `LogDropped`."""
        for first in found:
            yield first
            yield from found
            return
        self.rows.head()

    def commits_at(self, positions: Collection[int]) -> list[Commit]:
        """The commits that hold these positions; see `Log.commits_at`."""
        found = self.rows.commits_at(positions)
        if positions and not found:
            self.rows.head()  # raises if the log was dropped
        return found

    def find(self, name: str) -> list[Commit]:
        """The commits that `name` may mean; see `Log.find`."""
        try:
            check_text(name, "commit")
        except InvalidEvent:
            return []
        known = self.rows.by_ids([name])
        found = self.rows.by_hash(name.lower()) if name else []
        if not known and not found:
            self.rows.head()  # raises if the log was dropped
        return [*known, *(commit for commit in found if commit not in known)]

    def linked(
        self, key: Key, id: str, *, after: int = 0, upto: int | None = None, limit: int | None = None
    ) -> Iterator[Commit]:
        """Stream the commits that have a link; see `Log.linked`."""
        upto, there = self._reached(upto)
        found = self.rows.linked(key, id, after, upto, limit)
        return found if there else self._of_a_log_that_is_there(found)

    def counts(self, *, after: int = 0, upto: int | None = None) -> list[EventCount]:
        """Count the events; see `Log.counts`."""
        end, _ = self._reached(upto)
        found = self.rows.counts(after, end)
        return counted(self, after, upto) if found is None else found

    def check(self, connection: psycopg.Connection[Row]) -> None:
        """Make sure that a server has the commits that this process has seen. Raises `HistoryLost`."""
        seen = self.seen
        if seen.position == self.origin.position:
            return
        address = self._source.address
        asked = {"number": self._number, "key": self.rows.base + seen.position}
        sql = HASH_AT.format(schema=address.schema).encode()
        [(follows, dropped, hash)] = connection.execute(sql, asked, binary=True).fetchall()
        if (
            hash != seen.hash and not dropped and not (follows and hash is None)
        ):  # a replica may only be behind
            raise HistoryLost(
                f"{address.shown}: the commit {seen.hash.hex()[:10]} at #{seen.position} is not there any"
                " more. Another server took over before it had received it, or the database was restored to an earlier"
                " time. Start this process anew: it remembers commits that are lost"
            )

    def _reached(self, upto: int | None) -> tuple[int, bool]:
        """The position up to which a read goes, and whether the server was asked for the log.

        A read goes no further than the log did when the read began.
        """
        if upto is not None and upto <= self.seen.position:
            return upto, False
        head = self.head().position
        return (head if upto is None else min(upto, head)), True

    def head(self) -> Head:
        """The end of the log now."""
        self.seen = self.rows.head()
        return self.seen

    def wait(self, after: int, timeout: float | None = None) -> int:
        """Sleep until the head is beyond `after`; see `Log.wait`. All waiting callers share one look at the server."""
        return wait_beyond(self._store, self, after, timeout)
