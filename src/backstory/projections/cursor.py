"""Cursors of `find`: the place of a state in an order, as a text. It comes back from anybody, so nothing is trusted."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from backstory.errors import UnknownRevision
from backstory.projections.coded import coded_of, text_of
from backstory.projections.materialize import Column
from backstory.projections.where import LARGEST, SMALLEST

Value: TypeAlias = bool | int | float | str | None
Place: TypeAlias = list[Value]
"""The values that the order goes by, and the key."""

KEY = Column("key", str, optional=False)

_decode = msgspec.json.Decoder(Place).decode


def written(place: Sequence[Value]) -> str:
    """The cursor of a place."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode()


def read(cursor: str, terms: int) -> Place:
    """The place that a cursor means. Raises `UnknownRevision` for a text that is no cursor of so many terms."""
    try:
        place = _decode(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, msgspec.MsgspecError):
        place = []
    if len(place) != terms + 1 or not isinstance(place[-1], str):
        raise _none(cursor)
    return place


def read_for(cursor: str, columns: Sequence[Column], dialect: str) -> Place:
    """The same, with values as these columns of a table have them. Raises `UnknownRevision`."""
    place = read(cursor, len(columns))
    try:
        return [_fitted(*each, dialect) for each in zip(place, (*columns, KEY), strict=True)]
    except (ValueError, OverflowError):
        raise _none(cursor) from None


def _none(cursor: str) -> UnknownRevision:
    return UnknownRevision(cursor, "this is no cursor of find with this order_by")


def _fitted(value: Value, column: Column, dialect: str) -> Value:
    """A value as a column has it. Raises `ValueError` or `OverflowError` for what the column cannot have."""
    if value is None and column.optional:
        return None
    if column.coded:
        return coded_of(value)
    if column.type is str and isinstance(value, str):
        value = text_of(value)
        if "\0" not in value or dialect == "sqlite":
            return value
    if column.type is bool and value in (0, 1):
        return bool(value)
    if column.type in (int, float) and isinstance(value, (int, float)) and type(value) is not bool:
        is_real = column.type is float or (dialect == "sqlite" and not SMALLEST <= value <= LARGEST)
        return float(value) if is_real else value
    raise ValueError(value)
