"""A log in a SQLite file."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apsw
import msgspec

from backstory.commit import Commit, Draft, Head
from backstory.forks import on_fork
from backstory.query import Condition, Query
from backstory.record import Recorded
from backstory.store import ALL, Batch, Verdict
from backstory.stores.judge import judge
from backstory.stores.recent import Recent
from backstory.stores.sqlite.file import SqliteFile
from backstory.stores.sqlite.index import RUN, first_key
from backstory.stores.sqlite.lineage import Lineage, Lost
from backstory.stores.sqlite.rows import TAIL, Rows, row_of
from backstory.stores.sqlite.runs import write_run

POLL = 0.01
"""Seconds between looks for what another process appended."""

INSERT_COMMIT = (
    "INSERT INTO commits VALUES (?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, ?, ?, ?)"
)
INSERT_EVENT = "INSERT INTO events VALUES (?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT))"
_encode = msgspec.json.Encoder().encode


class SqliteLog:
    """One log of a file: the rows whose keys begin with its number."""

    def __init__(self, file: SqliteFile, number: int, origin: Head) -> None:
        self.file = file
        self.origin = origin
        self._number = number
        self._base = first_key(number)
        self._rows = Rows(file.fetch, self._base, origin)
        self._recent = Recent()
        self._lineage = Lineage(file, self._base, origin)
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._appended = threading.Condition(self._lock)

    def append(self, batches: Sequence[Batch]) -> list[Verdict]:
        """Judge and append each batch in one transaction; see `Log.append`."""

        def work(connection: apsw.Connection, again: bool) -> tuple[list[Verdict], Head]:
            if again:
                self._recent.forget()
            writing = _Writing(connection, self._base, self.origin, self._recent, self._lineage)
            return writing.write(batches), writing.head

        try:
            verdicts, head = self.file.write(work)
        except Lost as lost:
            raise self.file.lose(str(lost)) from None
        except BaseException:
            self._recent.forget()
            raise
        self._recent.durable(head.position)
        self._lineage.note(head)
        with self._lock:
            self._appended.notify_all()
        return verdicts

    def read(
        self,
        query: Query = ALL,
        *,
        after: int = 0,
        upto: int | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Iterator[Recorded]:
        """Stream the events that match; see `Log.read`."""
        if upto is not None:
            if self._recent.rules_out(query, after, upto):
                return iter(())
            if upto - after <= TAIL:
                # No index is needed, so neither is where it ends. At once, because `upto` may be beyond the head.
                found = self._rows.events(query, after, upto, after, backwards=backwards, limit=limit)
                return iter(list(found))
        head, indexed = self._lineage.ends()
        upto = head.position if upto is None else min(upto, head.position)
        return self._rows.events(query, after, upto, indexed, backwards=backwards, limit=limit)

    def commits(
        self, *, after: int = 0, upto: int | None = None, backwards: bool = False, limit: int | None = None
    ) -> Iterator[Commit]:
        """Stream the commits; see `Log.commits`."""
        head = self.head().position
        upto = head if upto is None else min(upto, head)
        return self._rows.commits(after, upto, backwards=backwards, limit=limit)

    def find(self, name: str) -> list[Commit]:
        """The commits that `name` may mean; see `Log.find`."""
        if not name:
            return []
        indexed = self._lineage.ends()[1]
        known = self._rows.by_id(name, indexed)
        found = self._rows.by_hash(name.lower(), indexed)
        return found if known is None else [known, *(commit for commit in found if commit != known)]

    def head(self) -> Head:
        """Where the log ends now."""
        return self._lineage.ends()[0]

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


class _Writing:
    """One transaction that appends: what the judge may see of the log, and what is to be inserted."""

    def __init__(
        self, connection: apsw.Connection, base: int, origin: Head, recent: Recent, lineage: Lineage
    ) -> None:
        self._connection = connection
        self._base = base
        self._rows = Rows(lambda sql, arguments: connection.execute(sql, arguments).fetchall(), base, origin)
        self._recent = recent
        found = self._rows.ends()
        if (lost := lineage.lost(found, self._rows)) or found is None:
            raise Lost(lost)
        self.head, self.indexed = found
        recent.catch_up(self.head)
        self._start = self.head.position
        self._added: list[tuple[Draft, Commit]] = []
        self._inserted = 0
        self._known: set[str] = set()
        self._refs: dict[str, str | None] = {}

    def write(self, batches: Sequence[Batch]) -> list[Verdict]:
        """Judge each batch, and insert what may go in."""
        self.look_up(draft.id for batch in batches for draft in batch)
        verdicts = []
        for batch in batches:
            verdict, new = judge(batch, self)
            if new and isinstance(verdict, tuple):
                self.add(batch, verdict)
            verdicts.append(verdict)
        self.finish()
        return verdicts

    def look_up(self, ids: Iterable[str]) -> None:
        """Ask at once which ids are known, so that new ones need no look each."""
        # Beyond the indexes it need not look where the recent ids reach back as far.
        self._known = self._rows.known_ids(
            list(ids), self.indexed, max(self.indexed, self._recent.seen.start)
        )

    def known(self, id: str) -> Commit | None:
        """The commit with this id; see `judge.View`."""
        if id not in self._known and id not in self._recent.seen.ids:
            return None
        self._insert()
        return self._rows.by_id(id, self.indexed)

    def matching(self, condition: Condition, limit: int) -> Sequence[Recorded]:
        """The first events that the condition forbids; see `judge.View`."""
        if self._recent.seen.rules_out(condition.query, condition.after):
            return ()
        self._insert()
        # What this transaction has added is beyond the indexes as well.
        events = self._rows.events(
            condition.query, condition.after, self.head.position, self.indexed, limit=limit
        )
        return list(events)

    def ref(self, name: str) -> str | None:
        """The value of a ref, which cannot change while this transaction lasts; see `judge.View`."""
        if name not in self._refs:
            found: Any = self._connection.execute("SELECT value FROM refs WHERE name = ?", (name,)).get
            self._refs[name] = found
        return self._refs[name]

    def add(self, batch: Batch, commits: Sequence[Commit]) -> None:
        """Append what was judged."""
        for draft, commit in zip(batch, commits, strict=True):
            self._added.append((draft, commit))
            self.head = self._recent.add(commit, draft.events)

    def finish(self) -> None:
        """Insert what is left, and index a run if there is one."""
        self._insert()
        if self.head.position - self.indexed >= RUN:
            write_run(self._connection, self._base, self.indexed, self._start, self._added)

    def _insert(self) -> None:
        """Insert what was added since the last time: few statements for many commits."""
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
