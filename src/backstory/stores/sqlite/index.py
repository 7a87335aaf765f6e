"""From a query to SQL: which rows the indexes propose, and how each row decides for itself."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from backstory.query import Query

LOG_BITS = 40
"""A row's key is its log's number times 2^40, plus its position."""

POSITION = (1 << LOG_BITS) - 1

COLUMNS = (
    f"e.position & {POSITION}, e.in_commit & {POSITION}, e.type, e.version, e.tags, CAST(e.data AS BLOB)"
)


class Selection(msgspec.Struct, frozen=True):
    """One stream of rows in order of position: SQL with a place for the order, and the arguments before its bounds."""

    sql: str
    arguments: tuple[Any, ...]

    def text(self, *, backwards: bool) -> str:
        """The SQL; after `arguments` it takes the key after which to begin, the last key, and a limit."""
        return self.sql + (" DESC LIMIT ?" if backwards else " ASC LIMIT ?")


SCAN = Selection(f"SELECT {COLUMNS} FROM events e WHERE e.position > ? AND e.position <= ? ORDER BY e.position", ())
BY_TYPE = f"SELECT {COLUMNS} FROM events e WHERE e.type = ? AND e.position > ? AND e.position <= ? ORDER BY e.position"
# CROSS JOIN keeps the index outermost: SQLite does not reorder it.
BY_TAGS = (
    f"SELECT {COLUMNS} FROM tag_index CROSS JOIN events e ON e.position = tag_index.rowid"
    " WHERE tag_index MATCH ? AND (%s) AND tag_index.rowid > ? AND tag_index.rowid <= ? ORDER BY tag_index.rowid"
)


def token(tag: str) -> str:
    """What stands for a tag in the index: it must survive a tokenizer, whatever the tag holds."""
    return hashlib.sha256(tag.encode()).hexdigest()[:12]


def selections(query: Query) -> list[Selection]:
    """The streams whose union is what the query matches: one by tags, one for each type that needs no tags."""
    if query.is_all:
        return [SCAN]
    types = sorted({type for clause in query.clauses if not clause.tags for type in clause.types})
    found = [Selection(BY_TYPE, (type,)) for type in types]
    matches, rows, arguments = [], [], []
    for clause in query.clauses:
        if not clause.tags:
            continue
        matches.append("(" + " AND ".join(token(tag) for tag in clause.tags) + ")")
        conditions = ["instr(e.tags, ?)"] * len(clause.tags)
        arguments += [msgspec.json.encode(tag).decode() for tag in clause.tags]
        if clause.types:
            conditions.append(f"e.type IN ({', '.join('?' * len(clause.types))})")
            arguments += clause.types
        rows.append("(" + " AND ".join(conditions) + ")")
    if matches:
        found.append(Selection(BY_TAGS % " OR ".join(rows), (" OR ".join(matches), *arguments)))
    return found
