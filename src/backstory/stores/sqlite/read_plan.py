"""From a query to SQL: which rows may match. The query itself then decides about each row, by `query.matcher`.

SQL may propose rows that do not match, and never leaves out one that does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from backstory.stores.rows import LOG_BITS, POSITION
from backstory.values import digest
from backstory.values.query import Clause, Query

LAST_LOG = (1 << 23) - 2
"""The highest number of a log: the keys of a higher one would not fit into 64 bits."""

LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1
"""The keys that SQLite can hold."""

RUN = 64
"""How many events may wait for the indexes. A run of 64 costs little more than one event's entries; scanning it takes
less than a look into the index."""

PART = 50
"""The most clauses that go into one statement, and the most types and tags that it asks for. SQLite takes an expression
of no more than a thousand parts, and compares each row with all of them."""

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
    """How to find the rows that may match a query: the union of the rows that the indexes give up to their end, and
    `beyond` from there.

    If every event matches there is no index, and `beyond` is a scan of the rows.
    """

    indexed: tuple[Selection, ...]
    beyond: Selection


def first_key(number: int) -> int:
    """The key before the first that a log's rows may have."""
    return number << LOG_BITS


def token(tag: str) -> str:
    """The token of a tag in the index: it survives the tokenizer, whatever text the tag has."""
    return digest.sha256(tag.encode()).hexdigest()[:12]


def hash_token(hash: bytes) -> str:
    """The token of a commit's hash in the index; a prefix of the hash is a prefix of the token."""
    return "h" + hash.hex()[:12]


def link_token(word: str) -> str:
    """The token of a commit's link in the index; see `values.links`."""
    return "l" + token(word)


def plan(query: Query) -> Plan:
    """How to find the events that may match a query: by tags if a clause has some, else by type, else by a scan."""
    if query.is_all:
        return SCAN
    tagged = [clause for clause in query.clauses if clause.tags]
    types = sorted({type for clause in query.clauses if not clause.tags for type in clause.types})
    indexed = [_selection(FROM_TYPES, "", (type,)) for type in types]
    indexed += [_by_tags(tagged[start : start + PART]) for start in range(0, len(tagged), PART)]
    return Plan(tuple(indexed), _beyond(tagged, types))


def _by_tags(clauses: Sequence[Clause]) -> Selection:
    """The rows that the index has under the tags of one of these clauses."""
    match = " OR ".join(f"({' AND '.join(map(token, clause.tags[:PART]))})" for clause in clauses)
    types = clauses[0].types
    if any(clause.types != types for clause in clauses):
        where, arguments = _likely(clauses, ())
        return _selection(FROM_INDEX, where, (match, *arguments))
    if 0 < len(types) <= PART:  # for each row once, and not for each clause
        return _selection(FROM_INDEX, f"{_is_one_of(types)} AND", (match, *types))
    return _selection(FROM_INDEX, "", (match,))


def _beyond(tagged: Sequence[Clause], types: Sequence[str]) -> Selection:
    """The rows that no index has."""
    if len(tagged) > PART or len(types) > PART:
        return SCAN.beyond
    return _selection(FROM_ROWS, *_likely(tagged, types))


def _likely(tagged: Sequence[Clause], types: Sequence[str]) -> tuple[str, list[str]]:
    """SQL that leaves out most rows that do not match, and its arguments.

    It does not decide: tags are JSON text, in which the text of one tag may stand inside of another.
    """
    likely, arguments = [], []
    for clause in tagged:
        likely.append("instr(e.tags, ?)")
        arguments.append(msgspec.json.encode(clause.tags[0]).decode())
        if 0 < len(clause.types) <= PART:
            likely[-1] += f" AND {_is_one_of(clause.types)}"
            arguments += clause.types
    if types:
        likely.append(_is_one_of(types))
        arguments += types
    return f"({' OR '.join(likely) or 'FALSE'}) AND", arguments


def _is_one_of(types: Sequence[str]) -> str:
    return f"e.type IN ({', '.join('?' * len(types))})"


def _selection(sql: str, where: str, arguments: Sequence[Any]) -> Selection:
    sql = sql.format(where=where)
    return Selection(sql + " ASC LIMIT ?", sql + " DESC LIMIT ?", tuple(arguments))


SCAN = Plan((), _selection(FROM_ROWS, "", ()))
