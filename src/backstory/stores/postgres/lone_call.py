"""A batch of one event as the values that `append_one` in `functions.sql` takes: the lighter road of a caller alone."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from backstory.stores.postgres.append_call import NOWHERE, Offer, held_while, keys_as_text, rows_of_tags
from backstory.stores.postgres.keys import tag_key, type_key
from backstory.stores.postgres.wire import INT8, TEXT, bigint, integer, joined, long
from backstory.unit import Holds, SetRef
from backstory.values.commit import micros
from backstory.values.query import Condition, to_json

Values = tuple[bytes | None, ...]

_encode = msgspec.json.Encoder().encode

ARGUMENTS = 25
"""How many arguments the function has."""


@lru_cache(maxsize=10)
def appending_one(schema: str, count: int = ARGUMENTS) -> bytes:
    """The SQL that calls the function with this many arguments; see `append_call.appending`."""
    places = ["%b"] * count
    if count > ARGUMENTS:
        places[-2:] = [held_while(schema, "bytea", "NULL")]
    return f"SELECT * FROM {schema}.append_one({', '.join(places)})".encode()


def is_lone(offer: Offer) -> bool:
    """Whether a batch is one event."""
    return len(offer.batch) == 1 and len(offer.batch[0].events) == 1


def values(offer: Offer, near: int) -> Values:
    """The arguments of `append_one`; `near` is a position that the log has surely reached."""
    [draft] = offer.batch
    [event] = draft.events
    query, after, clause_tags = _condition(draft.condition)
    rows = [long(key) for _, key in rows_of_tags(draft)]
    return (
        integer(offer.log),
        bigint(near),
        draft.parent,
        draft.id.encode(),
        bigint(micros(draft.time)),
        draft.author.encode(),
        draft.message.encode(),
        draft.command_json,
        draft.metadata_json,
        query,
        after,
        draft.secret,
        draft.content,
        draft.signature,
        clause_tags,
        event.type.encode(),
        bigint(event.version),
        _encode(event.tags),
        event.data,
        joined(INT8, len(rows), rows),
        integer(type_key(event.type)),
        *_guard(offer.guard),
        *_held(offer.holds),
    )


def _condition(condition: Condition | None) -> Values:
    if condition is None:
        return None, None, None
    clauses = condition.query.clauses
    tags = [keys_as_text(map(tag_key, clause.tags)) for clause in clauses]
    return to_json(condition.query), bigint(min(condition.after, NOWHERE)), joined(TEXT, len(clauses), tags)


def _guard(guard: SetRef | None) -> Values:
    if guard is None:
        return None, None
    return guard.name.encode(), None if guard.old is None else guard.old.encode()


def _held(held: Holds | None) -> Values:
    if held is None:
        return None, None
    if held.withheld is msgspec.UNSET:
        return bigint(held.position), held.hash
    mark = None if held.withheld is None else held.withheld.encode()
    return bigint(held.position), mark, held.hash
