"""Frames: events, states and rows as columns, for polars, pandas and everything that reads Arrow."""

from __future__ import annotations

import csv
from io import TextIOWrapper
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa

from backstory.outfile import check, written
from backstory.told import extra
from backstory.values.notebook import table

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

SHOWN = 10
"""Rows that a notebook shows."""


class Frame:
    """Columns of Arrow, of which polars, pandas and DuckDB take over what they can without a copy.

    `polars.DataFrame(frame)`, `duckdb.sql("... FROM frame")` by `frame.arrow()`, and all else that reads Arrow's
    PyCapsule interface take it as it is.
    """

    __slots__ = ("_table",)

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def __repr__(self) -> str:
        columns = ", ".join(f"{field.name} {field.type}" for field in self._table.schema)
        return f"<Frame of {len(self):,} rows: {columns}>"

    def _repr_html_(self) -> str:
        """For notebooks: the first rows."""
        return table(self.columns, [list(row.values()) for row in self._table.slice(0, SHOWN).to_pylist()])

    def __arrow_c_schema__(self) -> object:
        """The schema, for everything that reads Arrow's PyCapsule interface."""
        return self._table.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The columns, in the same way."""
        return self._table.__arrow_c_stream__(requested_schema)

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self._table.column_names)

    def arrow(self) -> pa.Table:
        """A table of pyarrow: the columns themselves."""
        return self._table

    def polars(self) -> pl.DataFrame:
        """A data frame of polars, without a copy where polars has the type."""
        extra("polars", "frame.polars", "frames")
        import polars as pl

        found = pl.from_arrow(self._table)
        assert isinstance(found, pl.DataFrame)
        return found

    def pandas(self, *, numpy: bool = False) -> pd.DataFrame:
        """A data frame of pandas on the columns of Arrow, which keep their types, and null is null.

        With `numpy`, of the types of NumPy: integers with nulls are floats there, and others objects.
        """
        extra("pandas", "frame.pandas", "frames")
        import pandas as pd

        mapper: Any = None if numpy else pd.ArrowDtype
        return self._table.to_pandas(types_mapper=mapper)

    def csv(self, file: str | PathLike[str]) -> None:
        """Write a CSV file, gzipped if its name ends in .gz: text as it is, times in ISO 8601, lists and such as JSON.

        Null is an empty cell. A file of this name is replaced, but no store. Raises `OutputError`.
        """
        name = fspath(file)
        check(name)
        with written(name) as output, TextIOWrapper(output, "utf-8", newline="") as text:
            lines = csv.writer(text, lineterminator="\n")
            lines.writerow(self.columns)
            for batch in self._table.to_batches():
                lines.writerows(map(_cell, row.values()) for row in batch.to_pylist())


def _cell(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    plain = msgspec.to_builtins(value)
    return plain if isinstance(plain, str) else msgspec.json.encode(plain).decode()
