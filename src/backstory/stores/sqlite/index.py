"""From a query to SQL: which rows the indexes propose, and how each row decides for itself."""

from __future__ import annotations

from typing import Any

import msgspec

from backstory import digest
from backstory.query import Query
from backstory.stores.rows import LOG_BITS, POSITION

LAST_LOG = (1 << 23) - 2
"""The highest number of a log: the keys of a higher one would not fit into 64 bits."""

LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1
"""The keys that SQLite can hold."""

RUN = 64
"""How many events may wait for the indexes. A run of 64 costs little more than one event's entries; scanning it takes
less than a look into the index."""

COLUMNS = (
    f"e.position & {POSITION}, e.in_commit & {POSITION}, e.type, e.version, e.tags, CAST(e.data AS BLOB)"
)
FROM_ROWS = (
    f"SELECT {COLUMNS} FROM events e WHERE {{where}} e.position > ? AND e.position <= ? ORDER BY e.position"
)
FROM_TYPES = (
    f"SELECT {COLUMNS} FROM type_index t CROSS JOIN events e ON e.position = t.position"
    " WHERE t.type = ? AND t.position > ? AND t.position <= ? ORDER BY t.position"
)
# CROSS JOIN keeps the index outermost: SQLite does not reorder it.
FROM_INDEX = (
    f"SELECT {COLUMNS} FROM token_index CROSS JOIN events e ON e.position = token_index.rowid"
    " WHERE token_index MATCH ? AND {where} token_index.rowid > ? AND token_index.rowid <= ? ORDER BY token_index.rowid"
)


class Selection(msgspec.Struct, frozen=True):
    """Rows in order of position: SQL for each direction, and the arguments that go before its bounds and limit."""

    forwards: str
    backwards: str
    arguments: tuple[Any, ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """How to find what a query matches: the union of what the indexes give up to where they end, and `beyond`
    from there.

    No index where every event matches: `beyond` is a scan of the rows.
    """

    indexed: tuple[Selection, ...]
    beyond: Selection


def first_key(number: int) -> int:
    """The key before the first that a log's rows may have."""
    return number << LOG_BITS


def token(tag: str) -> str:
    """What stands for a tag in the index: it must survive a tokenizer, whatever the tag holds."""
    return digest.sha256(tag.encode()).hexdigest()[:12]


def hash_token(hash: bytes) -> str:
    """What stands for a commit's hash in the index; a prefix of the hash is a prefix of it."""
    return "h" + hash.hex()[:12]


def plan(query: Query) -> Plan:
    """How to find what a query matches: by tags where a clause has some, else by type, else by scanning."""
    if query.is_all:
        return SCAN
    indexed, match, by_tags, tag_arguments, wheres, arguments = [], [], [], [], [], []
    for type in sorted({type for clause in query.clauses if not clause.tags for type in clause.types}):
        indexed.append(_selection(FROM_TYPES, "", (type,)))
        wheres.append("e.type = ?")
        arguments.append(type)
    for clause in query.clauses:
        if clause.tags:
            match.append("(" + " AND ".join(map(token, clause.tags)) + ")")
            where = ["instr(e.tags, ?)"] * len(clause.tags)
            tag_arguments += [msgspec.json.encode(tag).decode() for tag in clause.tags]
            if clause.types:
                where.append(f"e.type IN ({', '.join('?' * len(clause.types))})")
                tag_arguments += clause.types
            by_tags.append("(" + " AND ".join(where) + ")")
    if match:
        where_tags = f"({' OR '.join(by_tags)}) AND"
        indexed.append(_selection(FROM_INDEX, where_tags, (" OR ".join(match), *tag_arguments)))
    beyond = " OR ".join(wheres + by_tags) or "FALSE"
    return Plan(tuple(indexed), _selection(FROM_ROWS, f"({beyond}) AND", (*arguments, *tag_arguments)))


def _selection(sql: str, where: str, arguments: tuple[Any, ...]) -> Selection:
    sql = sql.format(where=where)
    return Selection(sql + " ASC LIMIT ?", sql + " DESC LIMIT ?", arguments)


SCAN = Plan((), _selection(FROM_ROWS, "", ()))
