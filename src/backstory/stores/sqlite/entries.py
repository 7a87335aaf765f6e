"""The entries of the indexes, compared with the rows that they stand for, both ways."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import apsw
import msgspec

from backstory.errors import StoreCorrupt
from backstory.stores.rows import LOG_BITS, decode_tags, place
from backstory.stores.sqlite.read_plan import LAST_LOG, LOWEST, hash_token, link_token, token
from backstory.values.links import words_of

Entry = tuple[Any, Any]
"""A term of an index, and the key of the row that has it."""

Terms = Callable[[Any], Iterable[Any]]
"""From a value of a row to the terms that an index must have for it."""

EXPECTED: dict[str, tuple[tuple[str, str, Terms], ...]] = {
    "type index": (("events", "type", lambda type: (type,)),),
    "id index": (("commits", "id", lambda id: (id,)),),
    "token index": (
        ("events", "tags", lambda tags: {token(tag) for tag in decode_tags(tags)}),
        ("commits", "hash", lambda hash: (hash_token(hash),)),
        ("commits", "metadata", lambda metadata: map(link_token, words_of(metadata.encode()))),
    ),
}
"""The entries that each index must have: the table, the column, and the term of each value."""

HELD = {
    "type index": "SELECT type, position FROM type_index",
    "id index": "SELECT id, position FROM id_index",
    "token index": "SELECT term, doc FROM temp.held",
}
VOCABULARY = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.held USING fts5vocab(main, token_index, instance)"

INDEXED = (
    f"SELECT number << {LOG_BITS}, indexed FROM logs WHERE number BETWEEN 0 AND {LAST_LOG} ORDER BY number"
)
ROWS = "SELECT position, {} FROM {} WHERE position > ? AND position <= ? ORDER BY position"


def differences(connection: apsw.Connection, *, name: str, most: int) -> Iterator[str]:
    """Name the first entries that only one side has: the index of this name, or the rows.

    Sums are compared first, which takes no memory. Damage is rare, so sets may take some then. Raises `StoreCorrupt`
    for a row that is so damaged that its entries are not known.
    """
    if _sum(_expected(connection, name)) == _sum(_held(connection, name)):
        return
    expected, held = set(_expected(connection, name)), set(_held(connection, name))
    for term, key in islice(sorted(expected - held, key=_by_key), most):
        yield f"{place(key)} is missing in the {name}, under {term}"
    for term, key in islice(sorted(held - expected, key=_by_key), most):
        yield f"{place(key)} stands in the {name} under {term}, where it does not belong"
    if expected == held:
        yield f"the {name} has an entry twice"


def _sum(entries: Iterable[Entry]) -> int:
    """A sum that is the same for the same entries in any order."""
    return sum(
        int.from_bytes(hashlib.sha256(f"{key} {term}".encode()).digest()[:16]) for term, key in entries
    )


def _by_key(entry: Entry) -> tuple[int, str]:
    term, key = entry
    return key if isinstance(key, int) else LOWEST, str(term)


def _held(connection: apsw.Connection, name: str) -> Iterator[Entry]:
    """The entries of the index."""
    connection.execute(VOCABULARY)
    yield from connection.execute(HELD[name])


def _expected(connection: apsw.Connection, name: str) -> Iterator[Entry]:
    """The entries that the index must have by its rows, up to the position at which the indexes of their log end."""
    for table, column, terms in EXPECTED[name]:
        sql = ROWS.format(column, table)
        for base, indexed in connection.execute(INDEXED).fetchall():
            last = base
            for key, value in connection.execute(sql, (base, indexed)):
                if key <= last:
                    raise StoreCorrupt(f"{place(key)} stands after {place(last)} in the table of {table}")
                last = key
                try:
                    found = list(terms(value))
                except (msgspec.MsgspecError, AttributeError, TypeError) as error:
                    raise StoreCorrupt(f"{place(key)} is damaged in its {column} ({error})") from error
                yield from ((term, key) for term in found)
