"""Tables that are made from a whole log at once, for a question or a comparison, and kept by nobody."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import apsw

from backstory.errors import ProjectionError
from backstory.projections.applying import FailedError, apply, decoded
from backstory.projections.names import Own
from backstory.projections.projection import AnyProjection, Group
from backstory.projections.source import Source
from backstory.store import Log
from backstory.stores.sqlite.tables import SqliteTransaction
from backstory.tables import Row
from backstory.values.query import Query

FOLDED = 10_000
"""Events that are applied at a time."""


def folded(
    projection: AnyProjection, source: Source, sql: str, arguments: Sequence[Any], log: Log, upto: int | None
) -> list[Row]:
    """The rows of a query over tables in memory, made from a log up to a position. Raises `ProjectionError`."""
    group = Group([projection])
    connection = apsw.Connection(":memory:")
    with SqliteTransaction(connection) as tx:
        tx.execute(group.schema("sqlite"))
        fold(group, log, source, Own(tx), upto)
        return Own(tx).rows(sql, arguments)


def fold(
    group: Group,
    log: Log,
    source: Source,
    tx: Own,
    upto: int | None,
    without: Collection[int] = (),
) -> None:
    """Apply all events of a log to empty tables, but for those at some positions. Raises `ProjectionError`."""
    query, after = Query.of(group.types), 0
    upto = log.head().position if upto is None else upto
    while True:
        records = list(log.read(query, after=after, upto=upto, limit=FOLDED))
        if not records:
            return
        try:
            own = [each for each in records if each.position not in without] if without else records
            apply(group, decoded(group, own, source.codec), tx, source.finder_on(log, own))
        except FailedError as failed:
            raise ProjectionError(f"projection {group.name} failed: {failed.why}") from failed.__cause__
        after = records[-1].position
