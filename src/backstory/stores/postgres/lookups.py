"""Queries about a schema beside the rows of a log: its logs, and its refs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backstory.stores.names import beyond
from backstory.stores.postgres.session import Fetching
from backstory.stores.rows import LOG_BITS, POSITION, head_of
from backstory.values.commit import Head

MARKED = "{schema}.withheld"
"""A function that does nothing, which withholding makes anew; there is none before the first time. Nobody calls it, so
nobody who is at work has a lock of it: `REINDEX` of an index would wait for them, and they for it."""

MARK = f"to_regproc('{MARKED}')::oid::text"
"""The store's mark, see `Head.withheld`: the number of that function, which the server has in memory."""


def mark(source: Fetching) -> str | None:
    """The store's mark now."""
    found: str | None = source.look(f"SELECT {MARK.format(schema=source.address.schema)}")[0][0]
    return found


def log_numbers(source: Fetching) -> Sequence[int]:
    """The numbers of all logs, in order."""
    sql = f"SELECT number FROM {source.address.schema}.logs ORDER BY number"
    return [number for [number] in source.fetch(sql)]


def origins(source: Fetching) -> Mapping[int, Head]:
    """The point that each log stands on."""
    sql = f"SELECT number, origin_position, origin_hash, origin_time FROM {source.address.schema}.logs"
    return {number: head_of(tuple(origin)) for number, *origin in source.fetch(sql)}


def origin_of(source: Fetching, number: int) -> Head | None:
    """The point that a log stands on; None if no log has this number."""
    sql = f"SELECT origin_position, origin_hash, origin_time FROM {source.address.schema}.logs WHERE number = %s"
    rows = source.look(sql, (number,))
    return head_of(rows[0]) if rows else None


def holding(source: Fetching, position: int, hash: bytes) -> Sequence[int]:
    """The logs that have this commit end at this position themselves, in order."""
    if not 0 < position <= POSITION:
        return []
    sql = (
        f"SELECT key >> {LOG_BITS} FROM {source.address.schema}.commits"
        f" WHERE hash = %s AND key & {POSITION} = %s ORDER BY key"
    )
    return [number for [number] in source.fetch(sql, (hash, position))]


def ref(source: Fetching, name: str) -> str | None:
    """The value of a ref, None if there is none."""
    rows = source.look(f"SELECT value FROM {source.address.schema}.refs WHERE name = %s", (name,))
    return rows[0][0] if rows else None


def refs(source: Fetching, prefix: str) -> Mapping[str, str]:
    """All refs whose names start with `prefix`, sorted by name."""
    within, bounds = names(prefix)
    sql = f"SELECT name, value FROM {source.address.schema}.refs WHERE {within} ORDER BY name"
    return dict(source.fetch(sql, bounds))


def names(prefix: str) -> tuple[str, tuple[str, ...]]:
    """The condition for names that start with `prefix`, and its arguments."""
    end = beyond(prefix)
    return ("name >= %s", (prefix,)) if end is None else ("name >= %s AND name < %s", (prefix, end))
