"""A log in a SQLite file, to read."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence

from backstory.forks import on_fork
from backstory.store import ALL, Verdict
from backstory.stores.appending import append_through
from backstory.stores.sqlite.lineage import File, Lineage
from backstory.stores.sqlite.read_plan import first_key
from backstory.stores.sqlite.rows import TAIL, Rows
from backstory.stores.tail import Tail
from backstory.unit import Batch, Hook, Outcome, Step, Unit
from backstory.values.commit import Commit, Head
from backstory.values.event_data import RecordedEvent
from backstory.values.query import Query

POLL = 0.01
"""Seconds between looks for events that another process appended."""


class SqliteLog:
    """One log of a file: the rows whose keys begin with its number. It appends through the store's `write`."""

    def __init__(
        self,
        file: File,
        number: int,
        origin: Head,
        write: Callable[[Sequence[Unit]], list[Outcome]],
    ) -> None:
        self.origin = origin
        self.base = first_key(number)
        self.tail = Tail()
        self.lineage = Lineage(file, self.base, origin)
        self._number = number
        self._write = write
        self._rows = Rows(file.fetch, self.base, origin)
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._appended = threading.Condition(self._lock)

    def append(
        self, batches: Sequence[Batch], *, beside: Sequence[Step] = (), within: Hook | None = None
    ) -> list[Verdict]:
        """Judge and append each batch in one transaction; see `Log.append`."""
        return append_through(self._write, self._number, batches, beside, within)

    def told(self) -> None:
        """Wake the threads that wait, because the log may have grown."""
        with self._lock:
            self._appended.notify_all()

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

    def head(self) -> Head:
        """The end of the log now."""
        return self.lineage.ends()[0]

    def wait(self, after: int, timeout: float | None = None) -> int:
        """Sleep until the head is beyond `after`; see `Log.wait`.

        An append of this process wakes it at once. For those of others it looks every 10 ms, one index seek of about
        10 µs: a tenth of a percent of a core, and no file watcher to install.
        """
        until = None if timeout is None else time.monotonic() + timeout
        with self._lock:
            return self._wait(after, until)

    def _wait(self, after: int, until: float | None) -> int:
        while (position := self.head().position) <= after:
            left = POLL if until is None else min(POLL, until - time.monotonic())
            if left <= 0:
                break
            self._appended.wait(left)
        return position
