"""A subscription as the caller asked for it."""

from __future__ import annotations

import msgspec

from backstory.errors import DefinitionError
from backstory.place import After
from backstory.projections.projection import NAME
from backstory.projections.rounds import need_lease
from backstory.values.query import Query

PARTITIONS = 8
"""Partitions of a subscription that names a field for them, unless it is told otherwise."""


class Asked(msgspec.Struct, frozen=True):
    """A subscription as the caller asked for it."""

    name: str
    query: Query
    partition: str | None
    partitions: int
    after: After | None
    most: int
    lease: float


def asking(
    name: str,
    query: Query,
    partition: str | None,
    partitions: int | None,
    after: After | None,
    most: int,
    lease: float,
) -> Asked:
    """The subscription that a caller asks for. Raises `DefinitionError` for a wrong name or number."""
    if not NAME.fullmatch(name):
        raise DefinitionError(f"{name!r} cannot be the name of a subscription; take one like {NAME.pattern}")
    need_lease(lease)
    count = (1 if partition is None else PARTITIONS) if partitions is None else partitions
    if count < 1 or most < 1:
        raise DefinitionError(f"subscription {name}: partitions and most are greater than 0")
    if count > 1 and partition is None:
        raise DefinitionError(
            f"subscription {name}: several partitions need partition=, a field of the events"
        )
    return Asked(name, query, partition, count, after, most, lease)
