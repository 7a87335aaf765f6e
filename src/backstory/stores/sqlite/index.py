"""From a query to SQL: which rows the indexes propose, and how each row decides for itself."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from backstory.query import Query

LOG_BITS = 40
"""A row's key is its log's number times 2^40, plus its position."""

POSITION = (1 << LOG_BITS) - 1

RUN = 64
"""How many events may wait for the tag index. A run of 64 costs little more than one event's entry; scanning it takes
less than a look into the index."""

COLUMNS = f"e.position & {POSITION}, e.in_commit & {POSITION}, e.type, e.version, e.tags, CAST(e.data AS BLOB)"
FROM_ROWS = f"SELECT {COLUMNS} FROM events e WHERE {{where}} e.position > ? AND e.position <= ? ORDER BY e.position"
# CROSS JOIN keeps the index outermost: SQLite does not reorder it.
FROM_INDEX = (
    f"SELECT {COLUMNS} FROM tag_index CROSS JOIN events e ON e.position = tag_index.rowid"
    " WHERE tag_index MATCH ? AND {where} tag_index.rowid > ? AND tag_index.rowid <= ? ORDER BY tag_index.rowid"
)


class Selection(msgspec.Struct, frozen=True):
    """Rows in order of position: SQL for each direction, and the arguments that go before its bounds and limit."""

    forwards: str
    backwards: str
    arguments: tuple[Any, ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """The selections whose union is what a query matches.

    `rows` come from the events table. `indexed` needs the tag index, which ends before the log does; `beyond` is the
    same selection without it.
    """

    rows: tuple[Selection, ...] = ()
    indexed: Selection | None = None
    beyond: Selection | None = None


def first_key(number: int) -> int:
    """The key before the first that a log's rows may have."""
    return number << LOG_BITS


def token(tag: str) -> str:
    """What stands for a tag in the index: it must survive a tokenizer, whatever the tag holds."""
    return hashlib.sha256(tag.encode()).hexdigest()[:12]


def plan(query: Query) -> Plan:
    """How to find what a query matches: by tags where a clause has some, else by type, else by scanning."""
    if query.is_all:
        return ALL_ROWS
    types = sorted({type for clause in query.clauses if not clause.tags for type in clause.types})
    rows = tuple(_selection(FROM_ROWS, "e.type = ? AND", (type,)) for type in types)
    match, wheres, arguments = [], [], []
    for clause in query.clauses:
        if not clause.tags:
            continue
        match.append("(" + " AND ".join(map(token, clause.tags)) + ")")
        own = ["instr(e.tags, ?)"] * len(clause.tags)
        arguments += [msgspec.json.encode(tag).decode() for tag in clause.tags]
        if clause.types:
            own.append(f"e.type IN ({', '.join('?' * len(clause.types))})")
            arguments += clause.types
        wheres.append(" AND ".join(own))
    if not match:
        return Plan(rows)
    where = f"({' OR '.join(wheres)}) AND"
    indexed = _selection(FROM_INDEX, where, (" OR ".join(match), *arguments))
    return Plan(rows, indexed, _selection(FROM_ROWS, where, tuple(arguments)))


def _selection(sql: str, where: str, arguments: tuple[Any, ...]) -> Selection:
    sql = sql.format(where=where)
    return Selection(sql + " ASC LIMIT ?", sql + " DESC LIMIT ?", arguments)


ALL_ROWS = Plan((_selection(FROM_ROWS, "", ()),))
