"""A log in a SQLite file."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence

import apsw
import msgspec

from backstory.commit import Commit, Draft, Head
from backstory.query import Condition, Query
from backstory.record import Recorded
from backstory.store import ALL, Batch, Verdict
from backstory.stores.fork import tell_of_forks
from backstory.stores.judge import judge
from backstory.stores.sqlite.file import SqliteFile
from backstory.stores.sqlite.index import RUN, first_key
from backstory.stores.sqlite.rows import Rows, row_of
from backstory.stores.sqlite.runs import write_run

POLL = 0.01
"""Seconds between looks for what another process appended."""

INSERT_COMMIT = (
    "INSERT INTO commits VALUES (?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, ?, ?)"
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
        self._appended = threading.Condition()
        tell_of_forks(self)

    def before_fork(self) -> None:
        """Nothing: the file lets go of itself."""

    def after_fork(self, *, child: bool) -> None:
        """Begin anew in a child, which has none of the threads that wait."""
        if child:
            self._appended = threading.Condition()

    def append(self, batches: Sequence[Batch]) -> list[Verdict]:
        """Judge and append each batch in one transaction; see `Log.append`."""
        with self.file.transaction() as connection:
            view = _View(connection, self._base, self.origin)
            start = view.head.position
            added: list[tuple[Draft, Commit]] = []
            verdicts = []
            for batch in batches:
                verdict, new = judge(batch, view)
                if new and isinstance(verdict, tuple):
                    for draft, commit in zip(batch, verdict, strict=True):
                        self._insert(connection, draft, commit)
                        added.append((draft, commit))
                        view.head = Head(commit.position, commit.hash, commit.time)
                verdicts.append(verdict)
            if view.head.position - view.indexed >= RUN:
                write_run(connection, self._base, view.indexed, start, added)
        with self._appended:
            self._appended.notify_all()
        return verdicts

    def _insert(self, connection: apsw.Connection, draft: Draft, commit: Commit) -> None:
        key = self._base + commit.position
        connection.execute(INSERT_COMMIT, (key, *row_of(commit)))
        connection.executemany(
            INSERT_EVENT,
            [
                (position, key, event.type, event.version, _encode(event.tags), event.data)
                for position, event in enumerate(draft.events, self._base + commit.first)
            ],
        )

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
        head, indexed = self._rows.ends()
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
        indexed = self._rows.ends()[1]
        known = self._rows.by_id(name, indexed)
        found = self._rows.by_hash(name.lower(), indexed)
        return found if known is None else [known, *(commit for commit in found if commit != known)]

    def head(self) -> Head:
        """Where the log ends now."""
        return self._rows.ends()[0]

    def wait(self, after: int, timeout: float | None = None) -> int:
        """Sleep until the head is beyond `after`; see `Log.wait`.

        An append of this process wakes it at once. For those of others it looks every 10 ms, one index seek of about
        10 µs: a tenth of a percent of a core, and no file watcher to install.
        """
        until = None if timeout is None else time.monotonic() + timeout
        with self._appended:
            while (position := self.head().position) <= after:
                left = POLL if until is None else min(POLL, until - time.monotonic())
                if left <= 0:
                    break
                self._appended.wait(left)
        return position


class _View:
    """What the judge may see, inside the transaction that will append."""

    def __init__(self, connection: apsw.Connection, base: int, origin: Head) -> None:
        self._rows = Rows(lambda sql, arguments: connection.execute(sql, arguments).fetchall(), base, origin)
        self.head, self.indexed = self._rows.ends()

    def known(self, id: str) -> Commit | None:
        return self._rows.by_id(id, self.indexed)

    def matching(self, condition: Condition, limit: int) -> list[Recorded]:
        # What this transaction has added is beyond the index as well.
        return list(
            self._rows.events(condition.query, condition.after, self.head.position, self.indexed, limit=limit)
        )
