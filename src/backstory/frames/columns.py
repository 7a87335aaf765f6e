"""Rows gathered into columns, and columns into batches of Arrow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from backstory.frames.kinds import DIGITS, SCALE, Kind

BATCH = 65_536
"""Rows of a batch, unless somebody says another number."""


class Column(NamedTuple):
    """A column: its name, its kind, and where its value is in a row."""

    name: str
    kind: Kind
    of: Callable[[Any], Any]


def batches(rows: Iterable[Any], columns: Sequence[Column], size: int = BATCH) -> Iterator[pa.RecordBatch]:
    """Batches of so many rows; one that is empty if there are none. Raises `ValueError`."""
    if size < 1:
        raise ValueError(f"a batch has at least one row, not {size}")
    schema = schema_of(columns)
    waiting: list[Any] = []
    some = False
    for row in rows:
        waiting.append(row)
        if len(waiting) == size:
            some = True
            yield _batch(waiting, columns, schema)
            waiting = []
    if waiting or not some:
        yield _batch(waiting, columns, schema)


def schema_of(columns: Iterable[Column]) -> pa.Schema:
    """The names and the types of columns."""
    return pa.schema([(column.name, column.kind.arrow) for column in columns])


def _batch(rows: Sequence[Any], columns: Sequence[Column], schema: pa.Schema) -> pa.RecordBatch:
    return pa.record_batch([_array(rows, column) for column in columns], schema=schema)


def _array(rows: Sequence[Any], column: Column) -> pa.Array:
    of, make, arrow = column.of, column.kind.make, column.kind.arrow
    if make is None:
        values = [of(row) for row in rows]
    else:
        values = [None if (value := of(row)) is None else make(value) for row in rows]
    try:
        return pa.array(values, arrow)
    except (pa.ArrowException, OverflowError) as wrong:
        raise _misfit(values, column, wrong) from None


def _misfit(values: Sequence[Any], column: Column, wrong: Exception) -> ValueError:
    """The error that names the value that a column cannot hold."""
    for number, value in enumerate(values):
        try:
            pa.array([value], column.kind.arrow)
        except (pa.ArrowException, OverflowError):
            shown = str(value)[:80]
            return ValueError(
                f"column {column.name!r}: {shown} does not fit {column.kind.arrow}, in row {number} of its batch"
            )
    return ValueError(f"column {column.name!r}: {wrong}")


def table_of(parts: Iterable[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    """The batches as one table, whose decimal numbers have no more digits than they need."""
    return _narrowed(pa.Table.from_batches(parts, schema))


def _narrowed(table: pa.Table) -> pa.Table:
    for at, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            narrow = pa.decimal128(DIGITS, _scale(table.column(at)))
            table = table.set_column(at, pa.field(field.name, narrow), table.column(at).cast(narrow))
    return table


def _scale(column: pa.ChunkedArray) -> int:
    """The digits behind the point that a column needs."""
    for scale in range(SCALE):
        try:
            column.cast(pa.decimal128(DIGITS, scale))
        except pa.ArrowInvalid:
            continue
        return scale
    return SCALE
