"""Values of Python as a database takes them: times, decimals, enums, dicts and lists, in either dialect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec

PLAIN = frozenset((str, int, float, bytes, bool, type(None)))
"""Types that both databases take as they are. SQLite keeps a bool as 0 or 1."""

NATIVE = PLAIN | {datetime, date, time, Decimal, UUID}
"""Types that psycopg takes as they are."""


def for_sqlite(value: Any) -> Any:
    """A value as SQLite takes it: a time as text in UTC, which sorts as times do; a decimal as text; the rest as JSON.

    A subclass of a plain type, such as an enum of texts, becomes the plain value.
    """
    match value:
        case Enum():
            return for_sqlite(value.value)
        case str() | int() | float() | bytes() | None:
            return value
        case datetime():
            return written(value)
        case date() | time():
            return value.isoformat()
        case Decimal() | UUID():
            return str(value)
        case _:
            return msgspec.json.encode(value).decode()


def for_postgres(value: Any) -> Any:
    """A value as psycopg takes it: a dict, a list or a struct as JSON."""
    match value:
        case Enum():
            return for_postgres(value.value)
        case str() | int() | float() | bytes() | datetime() | date() | time() | Decimal() | UUID() | None:
            return value
        case _:
            from psycopg.types.json import Jsonb

            return Jsonb(value, dumps=msgspec.json.encode)


def written(moment: datetime) -> str:
    """A time as text that sorts as times do: in UTC, with six digits of a second."""
    return moment.astimezone(UTC).isoformat(" ", timespec="microseconds")


def adapter(dialect: str) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """A function from the arguments of a statement to what the database of this dialect takes."""
    known, adapted = (PLAIN, for_sqlite) if dialect == "sqlite" else (NATIVE, for_postgres)
    covers = known.issuperset

    def adapt(arguments: Sequence[Any]) -> Sequence[Any]:
        if arguments.__class__ is not tuple and isinstance(arguments, Mapping):
            raise TypeError("the arguments of a statement are a sequence, one for each ? in it")
        return arguments if covers(map(type, arguments)) else [adapted(each) for each in arguments]

    return adapt
