"""Tables beside a log: a database that a store offers for data made from events, as two small Protocols."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeAlias

Row: TypeAlias = tuple[Any, ...]


class Transaction(Protocol):
    """A transaction of a database that keeps tables: kept whole when its block ends, or not at all.

    A `?` in SQL stands for an argument, and `??` for a question mark. Errors are raised as the database's own
    error.
    """

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        ...

    def execute(self, sql: str, arguments: Sequence[Any] = ()) -> None:
        """Run a statement. It may be sent later, together with others."""
        ...

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each of these rows of arguments."""
        ...

    def rows(self, sql: str, arguments: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query, which sees the statements before it."""
        ...


class Tables(Protocol):
    """A database that keeps tables. Safe for many threads and processes."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """A transaction for the length of a block; an error that leaves the block takes it back."""
        ...

    def reading(self) -> AbstractContextManager[Transaction]:
        """One snapshot to read from, for the length of a block."""
        ...
