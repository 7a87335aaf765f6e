"""A log in a SQLite file, to read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from backstory.lookup import counted
from backstory.store import ALL, Verdict
from backstory.stores.appending import append_through
from backstory.stores.sqlite.lineage import File, Lineage
from backstory.stores.sqlite.read_plan import first_key
from backstory.stores.sqlite.rows import TAIL, Rows
from backstory.stores.tail import Tail
from backstory.unit import Batch, Hook, Outcome, Step, Unit
from backstory.values.commit import Commit, Head
from backstory.values.event_data import EventCount, RecordedEvent
from backstory.values.links import Key
from backstory.values.query import Query

if TYPE_CHECKING:
    from backstory.waiting import Watched


class SqliteLog:
    """One log of a file: the rows whose keys begin with its number. It appends through the store's `write`."""

    def __init__(
        self,
        file: File,
        number: int,
        origin: Head,
        write: Callable[[Sequence[Unit]], list[Outcome]],
        store: Watched,
    ) -> None:
        self.origin = origin
        self.base = first_key(number)
        self.tail = Tail()
        self.lineage = Lineage(file, self.base, origin)
        self._number = number
        self._write = write
        self._store = store
        self._rows = Rows(file.fetch, self.base, origin)

    def append(
        self, batches: Sequence[Batch], *, beside: Sequence[Step] = (), within: Hook | None = None
    ) -> list[Verdict]:
        """Judge and append each batch in one transaction; see `Log.append`."""
        return append_through(self._write, self._number, batches, beside, within)

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
        if upto is not None:
            if self.tail.rules_out(query, after, upto):
                return iter(())
            if upto - after <= TAIL:
                # No index is needed, so neither is where it ends. At once, because `upto` may be beyond the head.
                found = list(self._rows.events(query, after, upto, after, backwards=backwards, limit=limit))
                if not found:
                    self.lineage.ends()  # raises if the log was dropped
                return iter(found)
        head, indexed = self.lineage.ends()
        upto = head.position if upto is None else min(upto, head.position)
        return self._rows.events(query, after, upto, indexed, backwards=backwards, limit=limit)

    def commits(
        self, *, after: int = 0, upto: int | None = None, backwards: bool = False, limit: int | None = None
    ) -> Iterator[Commit]:
        """Stream the commits; see `Log.commits`."""
        head = self.head().position
        upto = head if upto is None else min(upto, head)
        return self._rows.commits(after, upto, backwards=backwards, limit=limit)

    def commits_at(self, positions: Collection[int]) -> list[Commit]:
        """The commits that hold these positions; see `Log.commits_at`."""
        found = self._rows.commits_at(positions)
        if positions and not found:
            self.lineage.ends()  # raises if the log was dropped
        return found

    def find(self, name: str) -> list[Commit]:
        """The commits that `name` may mean; see `Log.find`."""
        return self._rows.find(name, self.lineage.ends()[1]) if name else []

    def linked(
        self, key: Key, id: str, *, after: int = 0, upto: int | None = None, limit: int | None = None
    ) -> Iterator[Commit]:
        """Stream the commits that have a link; see `Log.linked`."""
        head, indexed = self.lineage.ends()
        upto = head.position if upto is None else min(upto, head.position)
        return self._rows.linked(key, id, after, upto, indexed, limit)

    def counts(self, *, after: int = 0, upto: int | None = None) -> list[EventCount]:
        """Count the events; see `Log.counts`."""
        head = self.head().position
        found = self._rows.counts(after, head if upto is None else min(upto, head))
        return counted(self, after, upto) if found is None else found

    def head(self) -> Head:
        """The end of the log now."""
        return self.lineage.ends()[0]

    def wait(self, after: int, timeout: float | None = None) -> int:
        """Sleep until the head is beyond `after`; see `Log.wait`."""
        from backstory.waiting import wait_beyond

        return wait_beyond(self._store, self, after, timeout)
