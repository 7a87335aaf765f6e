"""Batches as the arrays that the database judges, in the order of `append` in `functions.sql`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate, chain

import msgspec

from backstory.commit import Draft, micros
from backstory.query import Condition, to_json
from backstory.record import Encoded
from backstory.store import Batch
from backstory.stores.postgres.keys import tag_key, type_key
from backstory.stores.postgres.wire import (
    BYTEA,
    INT8,
    TEXT,
    bigint,
    blob,
    integer,
    integers,
    joined,
    long,
)

NOWHERE = 1 << 41
"""A position that no log reaches. One beyond it is refused as this one is, and may be too large for a bigint."""

CALL = "SELECT * FROM {schema}.append(" + ", ".join(["%b"] * 29) + ")"

KINDS = (
    *(TEXT, INT8, TEXT, TEXT, TEXT, TEXT, TEXT, INT8, BYTEA, BYTEA),  # of the draft
    *(TEXT, TEXT),  # of its clauses
    *(TEXT, INT8, TEXT, TEXT),  # of its events
    INT8,  # of their tags
)
"""What the columns of a `Piece` hold."""

_encode = msgspec.json.Encoder().encode


class Piece(msgspec.Struct, frozen=True, gc=False):
    """What a draft adds to each array.

    `tagged` says of which of its events each tag is, from 1; `types` has the key of each event's type. An event has a
    key once, also where two of its tags share it.
    """

    events: int
    clauses: int
    tagged: tuple[int, ...]
    types: tuple[int, ...]
    columns: tuple[bytes, ...]


def piece(draft: Draft) -> Piece:
    """A draft in PostgreSQL's form."""
    events, condition = draft.events, draft.condition
    clauses = () if condition is None else condition.query.clauses
    tags = [
        (place, key)
        for place, event in enumerate(events, 1)
        for key in dict.fromkeys(map(tag_key, event.tags))
    ]
    return Piece(
        len(events),
        len(clauses),
        tuple([place for place, _ in tags]),
        tuple([type_key(event.type) for event in events]),
        (
            blob(draft.id.encode()),
            long(micros(draft.time)),
            blob(draft.author.encode()),
            blob(draft.message.encode()),
            blob(draft.command_json),
            blob(draft.metadata_json),
            blob(None if condition is None else to_json(condition.query)),
            long(None if condition is None else min(condition.after, NOWHERE)),
            blob(draft.secret),
            blob(draft.content),
            b"".join([_as_text(map(tag_key, clause.tags)) for clause in clauses]),
            b"".join([_as_text(map(type_key, clause.types)) for clause in clauses]),
            b"".join([_type(event.type) for event in events]),
            b"".join([long(event.version) for event in events]),
            b"".join([blob(_encode(event.tags)) for event in events]),
            b"".join([blob(event.data) for event in events]),
            b"".join([long(key) for _, key in tags]),
        ),
    )


@lru_cache(maxsize=10_000)
def _type(type: str) -> bytes:
    return blob(type.encode())


def _as_text(keys: Iterable[int]) -> bytes:
    """The text of an array: as arrays they would all have to be of one length."""
    return blob(f"{{{','.join(map(str, keys))}}}".encode())


def arguments(log: int, near: int, batches: Sequence[Batch], pieces: Sequence[Piece]) -> tuple[bytes, ...]:
    """What `append` takes, from the pieces of all drafts. `near` is a position that the log has surely reached."""
    draft_ends = list(accumulate([piece.events for piece in pieces]))
    clause_ends = list(accumulate([piece.clauses for piece in pieces]))
    tag_ends = list(accumulate([len(piece.tagged) for piece in pieces]))
    counts = [len(pieces)] * 10 + [clause_ends[-1]] * 2 + [draft_ends[-1]] * 4 + [tag_ends[-1]]
    columns = list(map(joined, KINDS, counts, zip(*[piece.columns for piece in pieces], strict=True)))
    return (
        integer(log),
        bigint(near),
        integers(run_ends(batches)),
        integers(accumulate(map(len, batches))),
        joined(BYTEA, len(batches), [blob(batch[0].parent) for batch in batches]),
        integers(draft_ends),
        *columns[:10],
        integers(clause_ends),
        *columns[10:16],
        integers(tag_ends),
        integers(chain.from_iterable([piece.tagged for piece in pieces])),
        columns[16],
        integers(chain.from_iterable([piece.types for piece in pieces])),
        *_guards(batches),
    )


def _guards(batches: Sequence[Batch]) -> tuple[bytes, bytes]:
    """The refs that guard the batches, and their values: empty where none is guarded, as on main."""
    guards = [batch[0].guard for batch in batches]
    if not any(guards):
        return joined(TEXT, 0, ()), joined(TEXT, 0, ())
    refs = [blob(None if guard is None else guard.ref.encode()) for guard in guards]
    values = [blob(None if guard is None else guard.value.encode()) for guard in guards]
    return joined(TEXT, len(guards), refs), joined(TEXT, len(guards), values)


def run_ends(batches: Sequence[Batch]) -> list[int]:
    """Where the run of each batch ends, counted from 1.

    The batches of a run can be judged at once: none has an id of an earlier one, or an event of one in its way. One
    that names its parent begins a run.
    """
    starts = [0]
    if len(batches) > 1:
        earlier = _Earlier()
        for number, batch in enumerate(batches):
            if number and (batch[0].parent is not None or earlier.bears_on(batch)):
                earlier = _Earlier()
                starts.append(number)
            earlier.add(batch)
    ends: list[int] = []
    for start, end in zip(starts, [*starts[1:], len(batches)], strict=True):
        ends += [end] * (end - start)
    return ends


class _Earlier:
    """The batches of a run: their ids, and their events, found by tag or type."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._types: set[str] = set()
        self._by_tag: dict[str, list[Encoded]] = {}

    def add(self, batch: Batch) -> None:
        for draft in batch:
            self._ids.add(draft.id)
            for event in draft.events:
                self._types.add(event.type)
                for tag in event.tags:
                    self._by_tag.setdefault(tag, []).append(event)

    def bears_on(self, batch: Batch) -> bool:
        """Whether one of them has an id of this batch, or an event in its way."""
        return any(
            draft.id in self._ids or (draft.condition is not None and self._has(draft.condition))
            for draft in batch
        )

    def _has(self, condition: Condition) -> bool:
        return any(
            any(clause.matches(event.type, event.tags) for event in self._rarest(clause.tags))
            if clause.tags
            else not self._types.isdisjoint(clause.types) or (not clause.types and bool(self._types))
            for clause in condition.query.clauses
        )

    def _rarest(self, tags: Sequence[str]) -> Sequence[Encoded]:
        return min((self._by_tag.get(tag, ()) for tag in tags), key=len)
