"""Batches as the arrays that the database judges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from backstory import digest
from backstory.commit import content_hash, micros
from backstory.query import Clause, Condition, Query, to_json
from backstory.record import Encoded
from backstory.store import Batch

SHORT = 200
"""The most characters of a tag or a type in an index; what stands for a longer one is longer than that."""

NOWHERE = 1 << 41
"""A position that no log reaches. One beyond it is refused as this one is, and may be too large for a bigint."""

CALL = (
    "SELECT * FROM {schema}.append(%b, %b, %b::int[], %b::bytea[], %b::int[], %b::text[], %b::bigint[], %b::text[],"
    " %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::bigint[], %b::bytea[], %b::int[], %b::text[],"
    " %b::text[], %b::bigint[], %b::text[], %b::text[], %b::int[], %b::text[])"
)

_encode = msgspec.json.Encoder().encode


class Offer:
    """Batches in arrays, in the order of `append` in `functions.sql`, and the content hashes of their drafts."""

    __slots__ = ("arguments", "contents")

    def __init__(self, number: int, batches: Sequence[Batch]) -> None:
        drafts = [draft for batch in batches for draft in batch]
        events = [event for draft in drafts for event in draft.events]
        queries = [None if draft.condition is None else draft.condition.query for draft in drafts]
        self.contents = [content_hash(draft, draft.root, draft.time) for draft in drafts]
        tags = [(place, short(tag)) for place, event in enumerate(events, 1) for tag in event.tags]
        self.arguments: tuple[Any, ...] = (
            number,
            are_independent(batches),
            _ends([len(batch) for batch in batches]),
            [batch[0].parent for batch in batches],
            _ends([len(draft.events) for draft in drafts]),
            [draft.id for draft in drafts],
            [micros(draft.time) for draft in drafts],
            [draft.author for draft in drafts],
            [draft.message for draft in drafts],
            [draft.command_json.decode() for draft in drafts],
            [draft.metadata_json.decode() for draft in drafts],
            [None if query is None else to_json(query).decode() for query in queries],
            [None if query is None else _shortened(query) for query in queries],
            [None if draft.condition is None else min(draft.condition.after, NOWHERE) for draft in drafts],
            self.contents,
            [place for place, draft in enumerate(drafts, 1) for _ in draft.events],
            [event.type for event in events],
            [None if len(event.type) <= SHORT else short(event.type) for event in events],
            [event.version for event in events],
            [_encode(event.tags).decode() for event in events],
            [event.data.decode() for event in events],
            [place for place, _ in tags],
            [tag for _, tag in tags],
        )


def _ends(sizes: Sequence[int]) -> list[int]:
    ends, end = [], 0
    for size in sizes:
        end += size
        ends.append(end)
    return ends


def short(text: str) -> str:
    """What stands for a tag or a type in the table of tags: itself, unless it is too long for an index."""
    return text if len(text) <= SHORT else text[:SHORT] + digest.sha256(text.encode()).hexdigest()


def _shortened(query: Query) -> str | None:
    """The query over what stands in the table of tags; None where that is the same."""
    if all(len(text) <= SHORT for clause in query.clauses for text in (*clause.tags, *clause.types)):
        return None
    return to_json(
        Query(
            tuple(
                Clause(tuple(map(short, clause.types)), tuple(map(short, clause.tags)))
                if clause.tags
                else clause
                for clause in query.clauses
            )
        )
    ).decode()


def are_independent(batches: Sequence[Batch]) -> bool:
    """Whether no batch has an id of an earlier one, an event of one in its way, or a parent that one may have moved."""
    if len(batches) == 1:
        return True
    ids: set[str] = set()
    earlier = _Earlier()
    for batch in batches:
        if batch[0].parent is not None or not ids.isdisjoint(draft.id for draft in batch):
            return False
        if any(earlier.has(draft.condition) for draft in batch if draft.condition is not None):
            return False
        ids.update(draft.id for draft in batch)
        for draft in batch:
            earlier.add(draft.events)
    return True


class _Earlier:
    """The events of batches that were looked at, found by tag or type."""

    def __init__(self) -> None:
        self._types: set[str] = set()
        self._by_tag: dict[str, list[Encoded]] = {}

    def add(self, events: Sequence[Encoded]) -> None:
        for event in events:
            self._types.add(event.type)
            for tag in event.tags:
                self._by_tag.setdefault(tag, []).append(event)

    def has(self, condition: Condition) -> bool:
        """Whether one of them matches the query."""
        return any(
            any(clause.matches(event.type, event.tags) for event in self._by_tag.get(clause.tags[0], ()))
            if clause.tags
            else not self._types.isdisjoint(clause.types) or (not clause.types and bool(self._types))
            for clause in condition.query.clauses
        )
