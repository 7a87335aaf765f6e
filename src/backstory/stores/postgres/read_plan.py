"""From a query to SQL: each clause proposes keys in order, from an index; their union gives the rows that may match.
The query itself then decides about each row, by `query.matcher`.

The clauses are arrays of one statement, whatever their number. Each clause proposes keys up to the limit, so that a
chunk costs no more if more events match.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from backstory.stores.postgres.keys import tag_key, type_key
from backstory.stores.rows import POSITION
from backstory.values.query import Query

COLUMNS = (
    f"e.key & {POSITION}, e.in_commit & {POSITION}, e.type, e.version, e.tags, convert_to(e.data, 'UTF8')"
)
ALL = (
    f"SELECT {COLUMNS} FROM {{schema}}.events e WHERE e.key > %(above)s AND e.key <= %(upto)s"
    " ORDER BY e.key {order} LIMIT %(limit)s"
)
# The keys of an array are looked up one by one. So no plan reads the whole table, even if the statistics are wrong.
FROM_KEYS = (
    f"SELECT {COLUMNS} FROM {{schema}}.events e"
    " WHERE e.key = ANY(ARRAY({keys} ORDER BY key {order} LIMIT %(limit)s)) ORDER BY e.key {order} LIMIT %(limit)s"
)
# A list from a subquery has no known length: for a long one the planner would read a whole table, or compile a plan.
# The lists of tags and types are one text each: psycopg encodes an array anew for each chunk, element by element.
BY_TAGS = """SELECT DISTINCT p.key FROM unnest(
    string_to_array((SELECT %(tags)s::text), ' '), string_to_array((SELECT %(types)s::text), ' ')
) w (tags, types)
CROSS JOIN LATERAL (SELECT w.tags::bigint[] AS tags, w.types::integer[] AS types OFFSET 0) c
CROSS JOIN LATERAL (
    SELECT t.key FROM {schema}.tags t
    WHERE t.tag = CASE
        WHEN cardinality(c.tags) = 1 THEN c.tags[1] ELSE {schema}.rarest(c.tags, %(above)s, %(upto)s)
    END
    AND t.key > %(above)s AND t.key <= %(upto)s
    AND (cardinality(c.types) = 0 OR t.type = ANY (c.types))
    AND (cardinality(c.tags) = 1 OR NOT EXISTS (
        SELECT FROM unnest(c.tags) m (tag)
        WHERE NOT EXISTS (SELECT FROM {schema}.tags o WHERE o.tag = m.tag AND o.key = t.key)
    ))
    ORDER BY t.key {order} LIMIT %(limit)s
) p"""
BY_TYPE = """SELECT DISTINCT p.key FROM unnest((SELECT %(names)s::text[])) w (type)
CROSS JOIN LATERAL (
    SELECT t.key FROM {schema}.events t
    WHERE hashtext(t.type) = hashtext(w.type) AND t.type = w.type AND t.key > %(above)s AND t.key <= %(upto)s
    ORDER BY t.key {order} LIMIT %(limit)s
) p"""


class Selection(msgspec.Struct, frozen=True):
    """Rows in order: SQL that takes bounds and a limit, and its other arguments.

    `clauses` is how many parts of a query it looks up, 0 if the bounds are all.
    """

    sql: str
    arguments: dict[str, Any] = {}
    clauses: int = 0

    def bound(self, above: int, upto: int, limit: int) -> dict[str, Any]:
        """The arguments of the SQL."""
        return {**self.arguments, "above": above, "upto": upto, "limit": limit}


def plan(schema: str, query: Query, *, backwards: bool) -> Selection | None:
    """How to find the rows that may match a query; None if no row does."""
    order = "DESC" if backwards else "ASC"
    if query.is_all:
        return Selection(ALL.format(schema=schema, order=order))
    tagged = [clause for clause in query.clauses if clause.tags]
    names = sorted({type for clause in query.clauses if not clause.tags for type in clause.types})
    looks, arguments = [], dict[str, Any]()
    if tagged:
        looks.append(BY_TAGS.format(schema=schema, order=order))
        arguments["tags"] = " ".join([_array(map(tag_key, clause.tags)) for clause in tagged])
        arguments["types"] = " ".join([_array(map(type_key, clause.types)) for clause in tagged])
    if names:
        looks.append(BY_TYPE.format(schema=schema, order=order))
        arguments["names"] = names
    if not looks:
        return None
    sql = FROM_KEYS.format(keys=" UNION ".join(looks), schema=schema, order=order)
    return Selection(sql, arguments, len(tagged) + len(names))


def _array(keys: Iterable[int]) -> str:
    """The text of an array: as arrays they would all have to be of one length."""
    return f"{{{','.join(map(str, keys))}}}"
