"""A log in a SQLite file."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import islice
from operator import attrgetter

import apsw
import msgspec

from backstory.commit import Commit, Head, from_micros, micros
from backstory.errors import StoreClosed, StoreCorrupt
from backstory.query import Condition, Query, from_json, to_json
from backstory.record import Recorded
from backstory.store import ALL, Batch, Verdict
from backstory.stores.judge import judge
from backstory.stores.sqlite.file import Row, SqliteFile
from backstory.stores.sqlite.index import LOG_BITS, POSITION, SCAN, Selection, selections, token

FIRST_CHUNK, CHUNK = 64, 2048
"""Rows that a read fetches at a time, at first and later: no transaction stays open between them."""

TAIL = 64
"""A read of at most so many positions scans them: cheaper than the index, by measurement."""

POLL = 0.01
"""Seconds between looks for what another process appended."""

COMMIT_COLUMNS = (
    f"position & {POSITION}, size, id, time, authored, author, message, CAST(command AS BLOB), CAST(metadata AS BLOB),"
    " query, after, content, hash"
)
SELECT_COMMITS = f"SELECT {COMMIT_COLUMNS} FROM commits WHERE position > ? AND position <= ? ORDER BY position"
SELECT_BY_ID = f"SELECT {COMMIT_COLUMNS} FROM commits WHERE id = ? AND position > ? AND position <= ?"
SELECT_BY_HASH = (
    f"SELECT {COMMIT_COLUMNS} FROM commits WHERE hash >= ? AND hash < ? AND position > ? AND position <= ? LIMIT 20"
)
SELECT_HEAD = (
    f"SELECT position & {POSITION}, hash, time FROM commits"
    " WHERE position > ? AND position <= ? ORDER BY position DESC LIMIT 1"
)
INSERT_COMMIT = "INSERT INTO commits VALUES (?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, ?, ?)"
INSERT_EVENT = "INSERT INTO events VALUES (?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT))"
INSERT_TOKENS = "INSERT INTO tag_index (rowid, tokens) VALUES (?, ?)"

_tags = msgspec.json.Decoder(tuple[str, ...])
_encode = msgspec.json.Encoder().encode
_by_position = attrgetter("position")


class SqliteLog:
    """One log of a file: the rows whose keys begin with its number."""

    def __init__(self, file: SqliteFile, number: int, origin: Head) -> None:
        self.file = file
        self.origin = origin
        self._base = number << LOG_BITS
        self._bounds = (self._base, self._base + POSITION)
        self._appended = threading.Condition()

    def append(self, batches: Sequence[Batch]) -> list[Verdict]:
        """Judge and append each batch in one transaction; see `Log.append`."""
        with self.file.transaction() as connection:
            view = _View(self, connection)
            verdicts = []
            for batch in batches:
                verdict, new = judge(batch, view)
                if new and isinstance(verdict, tuple):
                    self._insert(connection, batch, verdict)
                    view.head = Head(verdict[-1].position, verdict[-1].hash, verdict[-1].time)
                verdicts.append(verdict)
        with self._appended:
            self._appended.notify_all()
        return verdicts

    def _insert(self, connection: apsw.Connection, batch: Batch, commits: Sequence[Commit]) -> None:
        base = self._base
        for draft, commit in zip(batch, commits, strict=True):
            key = base + commit.position
            connection.execute(INSERT_COMMIT, (key, *_commit_values(commit)))
            keys = range(base + commit.first, key + 1)
            connection.executemany(
                INSERT_EVENT,
                [
                    (position, key, event.type, event.version, _encode(event.tags), event.data)
                    for position, event in zip(keys, draft.events, strict=True)
                ],
            )
            tokens = [
                (position, " ".join(map(token, event.tags)))
                for position, event in zip(keys, draft.events, strict=True)
                if event.tags
            ]
            if tokens:
                connection.executemany(INSERT_TOKENS, tokens)

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
        head = self.head().position
        upto = head if upto is None else min(upto, head)
        after = max(after, self.origin.position)
        if not query.is_all and upto - after <= TAIL:
            found = filter(query.matches, self._stream(SCAN, after, upto, backwards, None))
            return islice(found, limit)
        streams = [self._stream(selection, after, upto, backwards, limit) for selection in selections(query)]
        if len(streams) == 1:
            return streams[0]
        merged = _each_once(merge(*streams, key=_by_position, reverse=backwards))
        return islice(merged, limit)

    def _stream(
        self, selection: Selection, after: int, upto: int, backwards: bool, limit: int | None
    ) -> Iterator[Recorded]:
        """The rows of one selection, fetched in chunks that grow: memory stays small, and a short read is quick."""
        sql, base, size = selection.text(backwards=backwards), self._base, FIRST_CHUNK
        left = upto - after if limit is None else limit
        while after < upto and left > 0:
            size = min(size, left)
            rows = self.file.fetch(sql, (*selection.arguments, base + after, base + upto, size))
            try:
                for position, commit, type, version, tags, data in rows:
                    yield Recorded(position, commit, type, version, _tags.decode(tags), data)
            except (msgspec.MsgspecError, TypeError) as error:
                raise StoreCorrupt(f"{self.file.path}: event #{position}: its tags are damaged ({error})") from error
            if len(rows) < size:
                return
            left -= size
            if backwards:
                upto = position - 1
            else:
                after = position
            size = min(size * 4, CHUNK)

    def commits(
        self, *, after: int = 0, upto: int | None = None, backwards: bool = False, limit: int | None = None
    ) -> Iterator[Commit]:
        """Stream the commits; see `Log.commits`."""
        head = self.head().position
        upto = head if upto is None else min(upto, head)
        return self._commits(after, upto, backwards, limit)

    def _commits(self, after: int, upto: int, backwards: bool, limit: int | None) -> Iterator[Commit]:
        sql = SELECT_COMMITS + (" DESC LIMIT ?" if backwards else " ASC LIMIT ?")
        base, size = self._base, FIRST_CHUNK
        left = upto - after if limit is None else limit
        while after < upto and left > 0:
            size = min(size, left)
            rows = self.file.fetch(sql, (base + after, base + upto, size))
            for row in rows:
                yield self._commit(row)
            if len(rows) < size:
                return
            left -= size
            if backwards:
                upto = rows[-1][0] - 1
            else:
                after = rows[-1][0]
            size = min(size * 4, CHUNK)

    def _commit(self, row: Row) -> Commit:
        try:
            return _commit(row)
        except (msgspec.MsgspecError, TypeError, OverflowError) as error:
            raise StoreCorrupt(f"{self.file.path}: the commit at #{row[0]} is damaged ({error})") from error

    def find(self, name: str) -> list[Commit]:
        """The commits that `name` may mean; see `Log.find`."""
        rows = self.file.fetch(SELECT_BY_ID, (name, *self._bounds))
        prefix = name.lower()
        if prefix and len(prefix) <= 64 and all(digit in "0123456789abcdef" for digit in prefix):
            low, high = bytes.fromhex(prefix.ljust(64, "0")), bytes.fromhex(prefix.ljust(64, "f")) + b"\xff"
            rows += [row for row in self.file.fetch(SELECT_BY_HASH, (low, high, *self._bounds)) if row not in rows]
        return [self._commit(row) for row in rows]

    def head(self) -> Head:
        """Where the log ends now."""
        rows = self.file.fetch(SELECT_HEAD, self._bounds)
        return self._head(rows)

    def _head(self, rows: list[Row]) -> Head:
        if not rows:
            return self.origin
        position, hash, time = rows[0]
        return Head(position, hash, from_micros(time))

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

    def __init__(self, log: SqliteLog, connection: apsw.Connection) -> None:
        self._log = log
        self._connection = connection
        self.head = log._head(connection.execute(SELECT_HEAD, log._bounds).fetchall())

    def known(self, id: str) -> Commit | None:
        rows = self._connection.execute(SELECT_BY_ID, (id, *self._log._bounds)).fetchall()
        return self._log._commit(rows[0]) if rows else None

    def matching(self, condition: Condition, limit: int) -> list[Recorded]:
        after, head, base = max(condition.after, self._log.origin.position), self.head.position, self._log._base
        short = head - after <= TAIL
        found = []
        for selection in [SCAN] if short else selections(condition.query):
            arguments = (*selection.arguments, base + after, base + head, TAIL if short else limit)
            for position, commit, type, version, tags, data in self._connection.execute(
                selection.text(backwards=False), arguments
            ):
                event = Recorded(position, commit, type, version, _tags.decode(tags), data)
                if condition.query.matches(event):
                    found.append(event)
        return sorted(found, key=_by_position)[:limit]


def _commit_values(commit: Commit) -> Row:
    condition = commit.condition
    return (
        commit.size,
        commit.id,
        micros(commit.time),
        micros(commit.authored),
        commit.author,
        commit.message,
        commit.command_json,
        commit.metadata_json,
        None if condition is None else to_json(condition.query).decode(),
        None if condition is None else condition.after,
        commit.content,
        commit.hash,
    )


def _commit(row: Row) -> Commit:
    position, size, id, time, authored, author, message, command, metadata, query, after, content, hash = row
    condition = None if query is None else Condition(from_json(query), after)
    return Commit(
        position,
        size,
        id,
        from_micros(time),
        from_micros(authored),
        author,
        message,
        command,
        metadata,
        condition,
        content,
        hash,
    )


def _each_once(events: Iterator[Recorded]) -> Iterator[Recorded]:
    last = 0
    for event in events:
        if event.position != last:
            last = event.position
            yield event

