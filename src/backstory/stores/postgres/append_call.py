"""Batches as the arrays that the database judges, in the order of `append` in `functions.sql`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate, chain

import msgspec

from backstory.stores.postgres.keys import link_keys, tag_key, type_key
from backstory.stores.postgres.lookups import MARK
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
from backstory.stores.rows import POSITION
from backstory.unit import Append, Batch, Holds, SetRef, Unit
from backstory.values.commit import Draft, micros
from backstory.values.event_data import EventData
from backstory.values.links import words_of
from backstory.values.query import Condition, to_json

NOWHERE = 1 << 41
"""A position that no log reaches. One beyond it is refused as this one is, and may be too large for a bigint."""


def appending(schema: str, count: int) -> str:
    """The SQL that calls `append` with so many arguments; one more than it has is the mark of the store."""
    places = ["%b"] * count
    if count > ARGUMENTS:
        places[-2:] = [held_while(schema, "bytea[]", "'{}'")]
    return f"{schema}.append({', '.join(places)})"


def held_while(schema: str, kind: str, otherwise: str) -> str:
    """The SQL of the hashes that a log must have: those given, while the store has the mark that is given before them.

    With another mark the log has none of them, so the verdict is that its history moved.
    """
    same = f"{MARK.format(schema=schema)} IS NOT DISTINCT FROM %b::text"
    return f"CASE WHEN {same} THEN %b::{kind} ELSE {otherwise}::{kind} END"


def mark_of(holds: Holds | None) -> str | msgspec.UnsetType | None:
    """The mark that the store must have for a batch; `UNSET` if any will do."""
    return msgspec.UNSET if holds is None else holds.withheld


KINDS = (
    *(TEXT, INT8, TEXT, TEXT, TEXT, TEXT, TEXT, INT8, BYTEA, BYTEA, BYTEA),  # of the draft
    *(TEXT, TEXT),  # of its clauses
    *(TEXT, INT8, TEXT, TEXT),  # of its events
    INT8,  # of their tags
)
"""The values in the columns of a `Piece`."""

ARGUMENTS = 32
"""How many arguments `append` has."""

_encode = msgspec.json.Encoder().encode


class Piece(msgspec.Struct, frozen=True, gc=False):
    """The elements that a draft adds to each array.

    `tagged` says of which of its events each tag is, from 1; `types` has the key of each event's type. An event has a
    key once, also if two of its tags share it.
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
    tags = rows_of_tags(draft)
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
            blob(draft.signature),
            b"".join([keys_as_text(map(tag_key, clause.tags)) for clause in clauses]),
            b"".join([keys_as_text(map(type_key, clause.types)) for clause in clauses]),
            b"".join([_type(event.type) for event in events]),
            b"".join([long(event.version) for event in events]),
            b"".join([blob(_encode(event.tags)) for event in events]),
            b"".join([blob(event.data) for event in events]),
            b"".join([long(key) for _, key in tags]),
        ),
    )


def rows_of_tags(draft: Draft) -> list[tuple[int, int]]:
    """The rows that it adds to the table of tags: the key of each, and the place of its event, from 1."""
    tags = [
        (place, key)
        for place, event in enumerate(draft.events, 1)
        for key in dict.fromkeys(map(tag_key, event.tags))
    ]
    if links := words_of(draft.metadata_json):
        tags += [(len(draft.events), key) for key in link_keys(draft.events[-1].tags, links)]
    return tags


@lru_cache(maxsize=10_000)
def _type(type: str) -> bytes:
    return blob(type.encode())


def keys_as_text(keys: Iterable[int]) -> bytes:
    """An element that is the text of an array: as arrays they would all have to be of one length."""
    return blob(f"{{{','.join(map(str, keys))}}}".encode())


class Offer(msgspec.Struct, frozen=True):
    """A batch for one log, with the ref that must have a value, and the commit that the log must have."""

    log: int
    batch: Batch
    guard: SetRef | None = None
    holds: Holds | None = None


LAST_LOG = (1 << 23) - 2
"""The highest number of a log."""


def offer(unit: Unit) -> Offer | None:
    """A unit as `append` takes it: one batch, and after it perhaps a ref and a commit that must be there.

    None for any other unit, and for one that the database would not judge as `judge.judge` does.
    """
    if not unit.steps:
        return None
    first, *guards = unit.steps
    if not isinstance(first, Append) or not isinstance(first.log, int) or not 0 <= first.log <= LAST_LOG:
        return None
    if not first.batch or (
        len(first.batch) > 1 and len({draft.id for draft in first.batch}) < len(first.batch)
    ):
        return None
    guard = holds = None
    for step in guards:
        if isinstance(step, SetRef) and step.is_guard and guard is None and holds is None:
            guard = step
        elif isinstance(step, Holds) and _of_its_own(step, first.log) and holds is None:
            holds = step
        else:
            return None
    return Offer(first.log, first.batch, guard, holds)


def _of_its_own(step: Holds, log: int) -> bool:
    return step.log == log and not step.last and 0 <= step.position <= POSITION


def arguments(near: int, offers: Sequence[Offer], pieces: Sequence[Piece]) -> tuple[bytes | None, ...]:
    """The arguments of `append` for the offers to one log, with the pieces of all their drafts.

    `near` is a position that the log has surely reached. The last four are only there if there is a guard.
    """
    draft_ends = list(accumulate([piece.events for piece in pieces]))
    clause_ends = list(accumulate([piece.clauses for piece in pieces]))
    tag_ends = list(accumulate([len(piece.tagged) for piece in pieces]))
    counts = [len(pieces)] * 11 + [clause_ends[-1]] * 2 + [draft_ends[-1]] * 4 + [tag_ends[-1]]
    columns = list(map(joined, KINDS, counts, zip(*[piece.columns for piece in pieces], strict=True)))
    return (
        integer(offers[0].log),
        bigint(near),
        integers(run_ends(offers, near)),
        integers(accumulate([len(offer.batch) for offer in offers])),
        joined(BYTEA, len(offers), [blob(offer.batch[0].parent) for offer in offers]),
        integers(draft_ends),
        *columns[:11],
        integers(clause_ends),
        *columns[11:17],
        integers(tag_ends),
        integers(chain.from_iterable([piece.tagged for piece in pieces])),
        columns[17],
        integers(chain.from_iterable([piece.types for piece in pieces])),
        *_guarding(offers),
    )


def _guarding(offers: Sequence[Offer]) -> tuple[bytes | None, ...]:
    guards, held = [offer.guard for offer in offers], [offer.holds for offer in offers]
    if not any(guards) and not any(held):
        return ()
    positions, hashes = _held(held)
    marks = [each.withheld for each in held if each and each.withheld is not msgspec.UNSET]
    # All batches of a call that name a mark name the same one, see `calls`.
    mark = [None if each is None else each.encode() for each in marks[:1]]
    return *_guards(guards), positions, *mark, hashes


def _guards(guards: Sequence[SetRef | None]) -> tuple[bytes, bytes]:
    """The refs that must have a value, and the values: empty if there is none of them."""
    if not any(guards):
        return joined(TEXT, 0, ()), joined(TEXT, 0, ())
    refs = [blob(None if guard is None else guard.name.encode()) for guard in guards]
    values = [blob(None if guard is None or guard.old is None else guard.old.encode()) for guard in guards]
    return joined(TEXT, len(guards), refs), joined(TEXT, len(guards), values)


def _held(held: Sequence[Holds | None]) -> tuple[bytes, bytes]:
    """The positions that must have a commit, and its hash: empty if there is none of them."""
    if not any(held):
        return joined(INT8, 0, ()), joined(BYTEA, 0, ())
    positions = [long(None if holds is None else holds.position) for holds in held]
    hashes = [blob(None if holds is None else holds.hash) for holds in held]
    return joined(INT8, len(held), positions), joined(BYTEA, len(held), hashes)


def run_ends(offers: Sequence[Offer], near: int) -> list[int]:
    """The end of each batch's run, counted from 1.

    The batches of a run can be judged at once: none has an id of an earlier one, or an event of one in its way. One
    that names its parent, or a commit which may be of an earlier one, begins a run.
    """
    starts = [0]
    if len(offers) > 1:
        earlier = _Earlier()
        for number, offer in enumerate(offers):
            if number and (_names_what_is_new(offer, near) or earlier.bears_on(offer.batch)):
                earlier = _Earlier()
                starts.append(number)
            earlier.add(offer.batch)
    ends: list[int] = []
    for start, end in zip(starts, [*starts[1:], len(offers)], strict=True):
        ends += [end] * (end - start)
    return ends


def _names_what_is_new(offer: Offer, near: int) -> bool:
    holds = offer.holds
    return offer.batch[0].parent is not None or (holds is not None and holds.position > near)


class _Earlier:
    """The batches of a run: their ids, and their events, found by tag or type."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._types: set[str] = set()
        self._by_tag: dict[str, list[EventData]] = {}

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

    def _rarest(self, tags: Sequence[str]) -> Sequence[EventData]:
        return min((self._by_tag.get(tag, ()) for tag in tags), key=len)
