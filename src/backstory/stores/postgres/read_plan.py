"""From a query to SQL: each clause proposes keys in order, from an index; their union gives the rows that may match.
The query itself then decides about each row, by `query.matcher`.

Every part stops at the limit, so that a chunk costs no more if more events match.
"""

from __future__ import annotations

from typing import Any

import msgspec

from backstory.stores.postgres.keys import tag_key, type_key
from backstory.stores.rows import POSITION
from backstory.values.query import Clause, Query

COLUMNS = (
    f"e.key & {POSITION}, e.in_commit & {POSITION}, e.type, e.version, e.tags, convert_to(e.data, 'UTF8')"
)
ALL = f"SELECT {COLUMNS} FROM {{schema}}.events e WHERE e.key > %s AND e.key <= %s ORDER BY e.key {{order}} LIMIT %s"
# The keys of an array are looked up one by one. So no plan reads the whole table, even if the statistics are wrong.
FROM_KEYS = (
    f"SELECT {COLUMNS} FROM {{schema}}.events e WHERE e.key = ANY(ARRAY({{keys}}))"
    " ORDER BY e.key {order} LIMIT %s"
)
BY_TAG = "SELECT t.key FROM {schema}.tags t WHERE t.tag = {tag}{more} AND t.key > %s AND t.key <= %s"
BY_TYPE = (
    "SELECT t.key FROM {schema}.events t WHERE hashtext(t.type) = hashtext(%s) AND t.type = %s"
    " AND t.key > %s AND t.key <= %s"
)
ORDERED = "(SELECT key FROM ({one}) o ORDER BY key {order} LIMIT %s)"


PARTS = 100
"""How many parts the union of one statement has. A server takes 65,535 arguments, and plans so many far sooner."""


class Selection(msgspec.Struct, frozen=True):
    """Rows in order: SQL that ends with bounds and a limit, and the arguments of each part before its own bounds.

    No parts: the bounds are all. A part's arguments may hold `BOUNDS`.
    """

    sql: str
    parts: tuple[tuple[Any, ...], ...] | None = None

    def bound(self, above: int, upto: int, limit: int) -> list[Any]:
        """The arguments of the SQL."""
        if self.parts is None:
            return [above, upto, limit]
        arguments: list[Any] = []
        for part in self.parts:
            for argument in (*part, BOUNDS):
                arguments += (above, upto) if argument is BOUNDS else (argument,)
            arguments.append(limit)
        return [*arguments, limit]


BOUNDS = object()
"""Stands for two arguments: the keys above which, and up to which, is looked."""


def plan(schema: str, query: Query, *, backwards: bool) -> list[Selection]:
    """How to find the rows that may match a query: the union of these."""
    order = "DESC" if backwards else "ASC"
    if query.is_all:
        return [Selection(ALL.format(schema=schema, order=order))]
    types = sorted({type for clause in query.clauses if not clause.tags for type in clause.types})
    by_type = BY_TYPE.format(schema=schema)
    parts = [_by_tags(schema, clause) for clause in query.clauses if clause.tags]
    parts += [(by_type, (type, type)) for type in types]
    return [_union(schema, order, parts[start : start + PARTS]) for start in range(0, len(parts), PARTS)]


def _union(schema: str, order: str, parts: list[tuple[str, tuple[Any, ...]]]) -> Selection:
    """The rows whose keys any of these parts gives."""
    keys = " UNION ".join(ORDERED.format(one=one, order=order) for one, _ in parts)
    sql = FROM_KEYS.format(keys=keys, schema=schema, order=order)
    return Selection(sql, tuple(arguments for _, arguments in parts))


def _by_tags(schema: str, clause: Clause) -> tuple[str, tuple[Any, ...]]:
    """The keys of events with all the tags: found by the rarest, each then looked up by the others."""
    tags = list(map(tag_key, clause.tags))
    tag, more = "%s", ""
    arguments: list[Any] = tags
    if len(tags) > 1:
        tag = f"{schema}.rarest(%s::bigint[], %s, %s)"
        more = (
            f" AND NOT EXISTS (SELECT FROM unnest(%s::bigint[]) m (tag)"
            f" WHERE NOT EXISTS (SELECT FROM {schema}.tags o WHERE o.tag = m.tag AND o.key = t.key))"
        )
        arguments = [tags, BOUNDS, tags]
    if clause.types:
        more += " AND t.type = ANY(%s::integer[])"
        arguments.append(list(map(type_key, clause.types)))
    return BY_TAG.format(schema=schema, tag=tag, more=more), tuple(arguments)
