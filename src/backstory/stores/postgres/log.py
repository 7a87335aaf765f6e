"""A log in a PostgreSQL schema."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from backstory.commit import Commit, Head, from_micros
from backstory.errors import (
    AheadOfLog,
    Conflict,
    HeadMoved,
    HistoryLost,
    IdReused,
    InvalidEvent,
    RefMoved,
    StoreError,
    StoreRefused,
)
from backstory.query import Query
from backstory.record import Recorded, check_text
from backstory.store import ALL, Batch, Verdict
from backstory.stores.judge import SHOWN, chain, recorded_verdict
from backstory.stores.postgres.follow import Follower
from backstory.stores.postgres.offer import CALL, Piece, arguments, piece
from backstory.stores.postgres.rows import Rows
from backstory.stores.postgres.server import Connection, Row, Server
from backstory.stores.recent import Recent

MOST_BYTES = 64_000_000
"""How many bytes one call of the database takes; a group that has more is several calls of one transaction."""

LARGEST_BATCH = 1_000_000_000
"""How many bytes a batch may have: a message to the server has at most 1 GiB, and a batch goes in whole."""

WRITTEN, KNOWN, MET, AHEAD, HEAD_MOVED, REF_MOVED = range(6)
"""Verdicts of `append` in `functions.sql`."""

HASH_AT = "SELECT pg_is_in_recovery(), (SELECT hash FROM {schema}.commits WHERE key = %s)"
"""Whether this server follows another one, and the hash of a commit."""


class PostgresLog:
    """One log of a schema: the rows whose keys begin with its number."""

    def __init__(self, server: Server, follower: Follower, number: int, origin: Head) -> None:
        self.origin = origin
        self._server = server
        self._follower = follower
        self._number = number
        self._seen = origin
        self._recent = Recent()
        self._rows = Rows(server, number, origin)
        self._call = CALL.format(schema=server.address.schema).encode()
        self._hash_at = HASH_AT.format(schema=server.address.schema).encode()
        server.checks.append(self._check)

    def append(self, batches: Sequence[Batch]) -> list[Verdict]:
        """Judge and append each batch in one transaction; see `Log.append`."""
        verdicts: list[Verdict | None] = [_early(batch) for batch in batches]
        open = [batch for batch, verdict in zip(batches, verdicts, strict=True) if verdict is None]
        late = iter(self._offer(open) if open else ())
        return [next(late) if verdict is None else verdict for verdict in verdicts]

    def _offer(self, batches: Sequence[Batch]) -> list[Verdict]:
        parts = list(_parts(batches))
        calls = [arguments(self._number, self._seen.position, *part) for part in parts]

        def work(connection: Connection) -> list[Row]:
            if len(calls) == 1 and self._server.commits_read:
                return connection.small.execute(self._call, calls[0]).fetchall()
            with connection.transaction():
                return [connection.small.execute(self._call, call).fetchall()[0] for call in calls]

        verdicts: list[Verdict] = []
        for (part, _), row in zip(parts, self._server.run(work), strict=True):
            verdicts += self._verdicts(part, row)
        return verdicts

    def _verdicts(self, batches: Sequence[Batch], row: Row) -> Iterator[Verdict]:
        """What the database said, in full: commits follow from the head that it judged on, the rest never changes."""
        position, hash, time, kinds, details, values = row
        head = Head(position, hash, from_micros(time))
        self._recent.catch_up(head)
        for index, batch in enumerate(batches):
            kind = WRITTEN if kinds is None else kinds[index]
            if kind == WRITTEN:
                commits = chain(batch, head)  # the database computed the same hashes
                for draft, commit in zip(batch, commits, strict=True):
                    head = self._recent.add(commit, draft.events)
                yield commits
            elif kind == REF_MOVED:
                guard = batch[0].guard
                assert guard is not None
                yield RefMoved(guard.ref, values[index])
            else:
                yield self._refused(batch, kind, details[index], head)
        self._recent.durable(head.position)
        self._seen = head
        self._follower.appended(self._number, head.position)

    def _refused(self, batch: Batch, kind: int, detail: int, head: Head) -> Verdict:
        """The verdict in full. Others of the call are in the log: not being able to read more must not hide that."""
        if kind == KNOWN:
            return self._recorded(batch, head)
        if kind == HEAD_MOVED:
            return HeadMoved(detail)
        if kind == AHEAD:
            after = next(
                condition.after
                for condition, reached in _conditions(batch, detail)
                if condition is not None and condition.after > reached
            )
            return AheadOfLog(after, detail)
        condition = batch[detail].condition
        assert kind == MET
        assert condition is not None
        try:
            found = list(self._rows.events(condition.query, condition.after, head.position, limit=SHOWN))
        except StoreError:
            found = []
        return Conflict(detail, condition, found)

    def _recorded(self, batch: Batch, head: Head) -> Verdict:
        """What is recorded under these ids, as the log was when they were judged."""
        ids = [draft.id for draft in batch]
        try:
            known = {one.id: one for one in self._rows.by_ids(ids) if one.position <= head.position}
        except StoreError as error:
            return IdReused(ids[0], f"is known, and for what could not be read: {error}")
        return recorded_verdict(batch, [known[id] for id in ids if id in known])

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
        if upto is not None and self._recent.rules_out(query, after, upto):
            return iter(())
        upto = self._reached(upto)
        return self._rows.events(query, after, upto, backwards=backwards, limit=limit)

    def commits(
        self, *, after: int = 0, upto: int | None = None, backwards: bool = False, limit: int | None = None
    ) -> Iterator[Commit]:
        """Stream the commits; see `Log.commits`."""
        upto = self._reached(upto)
        return self._rows.commits(after, upto, backwards=backwards, limit=limit)

    def find(self, name: str) -> list[Commit]:
        """The commits that `name` may mean; see `Log.find`."""
        try:
            check_text(name, "commit")
        except InvalidEvent:
            return []
        known = self._rows.by_ids([name])
        found = self._rows.by_hash(name.lower()) if name else []
        return [*known, *(commit for commit in found if commit not in known)]

    def _check(self, connection: Connection) -> None:
        """Make sure that a server has what this process has seen, and may remember. Raises `HistoryLost`."""
        seen = self._seen
        if seen.position == self.origin.position:
            return
        [(follows, hash)] = connection.execute(self._hash_at, (self._rows.base + seen.position,)).fetchall()
        if hash != seen.hash and not (follows and hash is None):  # a replica may only be behind
            raise HistoryLost(
                f"{self._server.address.shown}: the commit {seen.hash.hex()[:10]} at #{seen.position} is not there any"
                " more. Another server took over before it had received it, or the database was restored to an earlier"
                " time. Start this process anew: it remembers what is lost"
            )

    def _reached(self, upto: int | None) -> int:
        """The position up to which a read goes: no further than the log did when it began."""
        if upto is not None and upto <= self._seen.position:
            return upto
        head = self.head().position
        return head if upto is None else min(upto, head)

    def head(self) -> Head:
        """Where the log ends now."""
        self._seen = self._rows.head()
        return self._seen

    def wait(self, after: int, timeout: float | None = None) -> int:
        """Sleep until the head is beyond `after`; see `Log.wait`. All who wait share one look at the server."""
        position = self.head().position
        if position > after or timeout == 0:
            return position
        self._follower.wait(self._number, after, timeout)
        return self.head().position


def _early(batch: Batch) -> Verdict | None:
    """The verdict on a batch that needs no log; None where it does."""
    ids = [draft.id for draft in batch]
    if len(set(ids)) < len(ids):
        return IdReused(next(id for id in ids if ids.count(id) > 1), "stands twice in one batch")
    return None if batch else ()


def _parts(batches: Sequence[Batch]) -> Iterator[tuple[list[Batch], list[Piece]]]:
    """The batches and their pieces, in as few parts as a call can take; a batch that is too large alone is a part.

    Raises `StoreRefused` for one that is too large for a message.
    """
    part: list[Batch] = []
    pieces: list[Piece] = []
    size = 0
    for batch in batches:
        own = list(map(piece, batch))
        more = sum(len(column) for one in own for column in one.columns)
        if more > LARGEST_BATCH:
            raise StoreRefused(
                f"a batch has {more:,} bytes, and this store takes {LARGEST_BATCH:,} at once; append fewer commits at a"
                " time"
            )
        if part and size + more > MOST_BYTES:
            yield part, pieces
            part, pieces, size = [], [], 0
        part.append(batch)
        pieces += own
        size += more
    yield part, pieces


def _conditions(batch: Batch, reached: int) -> Iterator[tuple[Any, int]]:
    """Each draft's condition, with the position that the log and the drafts before it would have reached."""
    for draft in batch:
        yield draft.condition, reached
        reached += len(draft.events)
