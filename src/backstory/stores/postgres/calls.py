"""Offers to one log as calls of `append` in `functions.sql`, and its verdicts as outcomes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

import msgspec

from backstory.errors import (
    AheadOfLog,
    AppendError,
    Conflict,
    HeadMoved,
    HistoryMoved,
    IdReused,
    NotThere,
    RefMoved,
    StoreError,
    StoreRefused,
)
from backstory.stores.judge import SHOWN, chain, recorded_verdict
from backstory.stores.postgres.append_call import Offer, Piece, appending, arguments, mark_of, piece
from backstory.stores.postgres.locks import Locks, taking
from backstory.stores.postgres.lone_call import appending_one, is_lone, values
from backstory.stores.postgres.rows import Rows
from backstory.stores.postgres.session import Session
from backstory.stores.rows import Row
from backstory.unit import Batch, Outcome, Written
from backstory.values.commit import Commit, Head, from_micros

MOST_BYTES = 64_000_000
"""How many bytes one call of the database takes; a group that has more is several calls of one transaction."""

LARGEST_BATCH = 1_000_000_000
"""How many bytes a batch may have: a message to the server has at most 1 GiB, and a batch goes in whole."""

WRITTEN, KNOWN, MET, AHEAD, HEAD_MOVED, REF_MOVED, HISTORY_MOVED, NO_LOG = range(8)
"""Verdicts of `append` in `functions.sql`."""


class Call(msgspec.Struct, frozen=True):
    """Offers to one log that are sent together. `near` is a position that the log has surely reached.

    `pieces` are those of all drafts. A call without them is one event, and tries the lighter road first.
    """

    offers: list[Offer]
    near: int
    pieces: list[Piece]

    @property
    def size(self) -> int:
        """How many bytes its drafts have."""
        return sum([len(column) for piece in self.pieces for column in piece.columns])

    def arguments(self) -> tuple[bytes | None, ...]:
        """Those of `append`."""
        pieces = self.pieces or [piece(draft) for offer in self.offers for draft in offer.batch]
        return arguments(self.near, self.offers, pieces)

    def send(self, session: Session, schema: str) -> Row:
        """The verdicts of the database on them."""
        if not self.pieces:
            given_one = values(self.offers[0], self.near)
            one = session.small.execute(appending_one(schema, len(given_one)), given_one).fetchall()[0]
            if one[0] is not None:
                return one
        given = self.arguments()
        return session.small.execute(_alone(schema, len(given)), given).fetchall()[0]


@lru_cache(maxsize=10)
def _alone(schema: str, count: int) -> bytes:
    return f"SELECT * FROM {appending(schema, count)}".encode()


def send_together(calls: Sequence[Call], locks: Locks, session: Session, schema: str) -> list[Row]:
    """The verdicts of the database on calls to several logs, in one statement, which takes all locks first."""
    parts = [f"SELECT 0, NULL, NULL, NULL, NULL, NULL, NULL FROM {taking(schema)}"]
    together: list[object] = [*locks]
    for number, call in enumerate(calls, 1):
        given = call.arguments()
        parts.append(f"SELECT {number}, a.* FROM {appending(schema, len(given))} a")
        together += given
    sql = " UNION ALL ".join(parts)
    rows = session.small.execute(sql.encode(), together).fetchall()
    return [tuple(said) for _, *said in sorted(rows, key=itemgetter(0))[1:]]


class Added(msgspec.Struct):
    """The result of a write to a log: the end of the log before it, and the batches with their commits."""

    found: Head
    batches: list[tuple[Batch, tuple[Commit, ...]]]

    @property
    def head(self) -> Head:
        """The end of the log now."""
        return self.batches[-1][1][-1].point if self.batches else self.found


def calls(offers: Sequence[Offer], near: int, *, alone: bool) -> list[Call]:
    """The offers to one log, in as few calls as can be. `alone`: none is sent together with those to other logs."""
    if alone and len(offers) == 1 and is_lone(offers[0]):
        return [Call([*offers], near, [])]
    return [Call(part, near, pieces) for part, pieces in _parts(offers)]


def _parts(offers: Sequence[Offer]) -> Iterator[tuple[list[Offer], list[Piece]]]:
    """The offers and their pieces, in as few parts as a call can take; a batch that is too large alone is a part.

    All of a part that need a mark of the store need the same one. Raises `StoreRefused` for a batch that is too large
    for a message.
    """
    part: list[Offer] = []
    pieces: list[Piece] = []
    size = 0
    needed: str | msgspec.UnsetType | None = msgspec.UNSET
    is_needed = False  # a batch of the part names a commit: with another mark the log has none of those
    for offer in offers:
        mark = mark_of(offer.holds)
        other = offer.holds is not None and is_needed and mark != needed
        own = list(map(piece, offer.batch))
        more = sum([len(column) for one in own for column in one.columns])
        if more > LARGEST_BATCH:
            raise StoreRefused(
                f"a batch has {more:,} bytes, and this store takes {LARGEST_BATCH:,} at once; append fewer commits at a"
                " time"
            )
        if part and (other or size + more > MOST_BYTES):
            yield part, pieces
            part, pieces, size, is_needed = [], [], 0, False
        if offer.holds is not None:
            needed, is_needed = mark, True
        part.append(offer)
        pieces += own
        size += more
    yield part, pieces


def outcomes(sent: Call, row: Row, rows: Rows) -> tuple[list[Outcome], Added]:
    """The verdicts of the database, in full, and the new commits of the log.

    Commits follow from the head that it judged on, and history before that never changes: `rows` may be read later.
    """
    position, hash, time, kinds, details, values = row
    if position is None:
        return [NotThere(f"log {offer.log}") for offer in sent.offers], Added(rows.origin, [])
    head = found = Head(position, hash, from_micros(time))
    said: list[Outcome] = []
    written: list[tuple[Batch, tuple[Commit, ...]]] = []
    known = _known(sent.offers, kinds or (), rows)
    for index, offer in enumerate(sent.offers):
        kind = WRITTEN if kinds is None else kinds[index]
        if kind == WRITTEN:
            commits = chain(offer.batch, head)  # the database computed the same hashes
            head = commits[-1].point
            written.append((offer.batch, commits))
            said.append(Written((commits,)))
        elif kind == REF_MOVED:
            assert offer.guard is not None
            said.append(RefMoved(offer.guard.name, values[index]))
        elif kind == HISTORY_MOVED:
            assert offer.holds is not None
            said.append(HistoryMoved(offer.holds.position))
        elif kind == KNOWN:
            verdict = _recorded(offer.batch, head, known)
            said.append(Written((verdict,)) if isinstance(verdict, tuple) else verdict)
        else:
            said.append(_refused(offer.batch, kind, details[index], head, rows))
    return said, Added(found, written)


def _refused(batch: Batch, kind: int, detail: int, head: Head, rows: Rows) -> Outcome:
    """The verdict in full. Others of the call are in the log: not being able to read more must not hide that."""
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
        found = list(rows.events(condition.query, condition.after, head.position, limit=SHOWN))
    except StoreError:
        found = []
    return Conflict(detail, condition, found)


def _known(offers: Sequence[Offer], kinds: Sequence[int], rows: Rows) -> dict[str, Commit] | StoreError:
    """The commits by the ids of batches that are known, in one question: all of an import that runs again may be."""
    known = (offer.batch for offer, kind in zip(offers, kinds, strict=False) if kind == KNOWN)
    ids = [draft.id for batch in known for draft in batch]
    try:
        return {one.id: one for one in rows.by_ids(ids)} if ids else {}
    except StoreError as error:
        return error


def _recorded(
    batch: Batch, head: Head, known: dict[str, Commit] | StoreError
) -> tuple[Commit, ...] | AppendError:
    """The commits that were recorded under these ids when the batches were judged."""
    ids = [draft.id for draft in batch]
    if isinstance(known, StoreError):
        return IdReused(ids[0], f"is known, but its commit could not be read: {known}")
    found = [known[id] for id in ids if id in known and known[id].position <= head.position]
    if not found:
        return IdReused(ids[0], "was known, and its log was dropped meanwhile")
    return recorded_verdict(batch, found)


def _conditions(batch: Batch, reached: int) -> Iterator[tuple[Any, int]]:
    """Each draft's condition, with the position that the log and the drafts before it would have reached."""
    for draft in batch:
        yield draft.condition, reached
        reached += len(draft.events)
