"""How many states of a table there are for which a condition is true: exactly, or about, which is quick."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from backstory import timelimit
from backstory.projections.materialize import Materialized
from backstory.projections.where import Where
from backstory.tables import Transaction

SAMPLE = 1_000
"""Rows by which a number is guessed."""

Holds = Callable[[Any], Any] | None

SPREAD = """
WITH RECURSIVE place("#") AS (SELECT 0 UNION ALL SELECT "#" + 1 FROM place WHERE "#" < ? - 1)
SELECT count(*) FROM place JOIN {table} t ON t.rowid = 1 + place."#" * 2654435761 % ?
"""
"""A sample in which no pattern of the rows is seen twice: the factor is that of Knuth's hashing."""


def counted(kept: Materialized, where: Where, holds: Holds, tx: Transaction) -> int:
    """The number of states. `holds` is what SQL cannot ask."""
    condition = f" WHERE {where.sql}" if where.sql else ""
    if holds is None:
        return int(tx.rows(f"SELECT count(*) FROM {kept.table}{condition}", where.arguments)[0][0])
    states = tx.rows(f"SELECT state FROM {kept.table}{condition}", where.arguments)
    return sum(bool(holds(kept.decoded(state))) for [state] in timelimit.counted(states))


def about(kept: Materialized, where: Where, holds: Holds, tx: Transaction) -> int:
    """About the number of states: exact for a small table, else from a sample, or from the statistics of PostgreSQL."""
    rows = size(kept, tx)
    if rows <= SAMPLE:
        return counted(kept, where, holds, tx)
    found = float(rows)
    if where.sql and tx.dialect == "sqlite":
        share = [(SPREAD.format(table=kept.table) + more, more) for more in ("", f" WHERE {where.sql}")]
        of, hits = (
            tx.rows(sql, (SAMPLE, rows, *(where.arguments if more else ())))[0][0] for sql, more in share
        )
        found = rows * hits / max(1, of)
    elif where.sql:
        found = _planned(f"SELECT 1 FROM {kept.table} WHERE {where.sql}", where, tx)
    if holds is None:
        return round(found)
    condition = f" WHERE {where.sql}" if where.sql else ""
    some = tx.rows(f"SELECT state FROM {kept.table}{condition} LIMIT {SAMPLE}", where.arguments)
    hits = sum(bool(holds(kept.decoded(state))) for [state] in some)
    return hits if len(some) < SAMPLE else round(found * hits / len(some))


def size(kept: Materialized, tx: Transaction) -> int:
    """About the number of rows of a table. None is ever deleted."""
    if tx.dialect == "sqlite":
        return int(tx.rows(f"SELECT max(rowid) FROM {kept.table}")[0][0] or 0)
    return round(_planned(f"SELECT 1 FROM {kept.table}", None, tx))


def _planned(sql: str, where: Where | None, tx: Transaction) -> float:
    """The number of rows that PostgreSQL expects."""
    [(plan,)] = tx.rows(f"EXPLAIN (FORMAT JSON) {sql}", where.arguments if where else ())
    found = msgspec.json.decode(plan) if isinstance(plan, str) else plan
    return float(found[0]["Plan"]["Plan Rows"])
