"""Values of Python as a database takes them and gives them back: times, decimals, enums, dicts and lists.

PostgreSQL has types for all of them. SQLite has none: there a column is read by the type that its table
declares, so that the same code gets the same values from either database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec

from backstory.tables import Row
from backstory.values.event_data import NUL

PLAIN = frozenset((str, int, float, bytes, bool, type(None)))
"""Types that both databases take as they are. SQLite keeps a bool as 0 or 1."""

NATIVE = PLAIN | {datetime, date, time, Decimal, UUID}
"""Types that psycopg takes as they are."""

UNKNOWN = "\ufffd"
"""The stand-in for a NUL character in a table of PostgreSQL, whose texts have none. One event stops no table."""


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
    """A value as psycopg takes it: a dict, a list or a struct as JSON; `UNKNOWN` for each NUL character."""
    match value:
        case Enum():
            return for_postgres(value.value)
        case str():
            return value.replace("\0", UNKNOWN)
        case int() | float() | bytes() | datetime() | date() | time() | Decimal() | UUID() | None:
            return value
        case _:
            from psycopg.types.json import Jsonb

            return Jsonb(value, dumps=_without_nul)


def _without_nul(value: Any) -> bytes:
    return NUL.sub(rb"\1\\ufffd", msgspec.json.encode(value))


def for_duckdb(value: Any) -> Any:
    """A value as DuckDB takes it: a dict, a list or a struct as JSON."""
    match value:
        case Enum():
            return for_duckdb(value.value)
        case str() | int() | float() | bytes() | datetime() | date() | time() | Decimal() | UUID() | None:
            return value
        case _:
            return msgspec.json.encode(value).decode()


def written(moment: datetime) -> str:
    """A time as text that sorts as times do: in UTC, with six digits of a second; without a zone, if it has none."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC)
    return moment.isoformat(" ", timespec="microseconds")


def _naive(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def _aware(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _decimal(number: float | str) -> Decimal:
    return Decimal(str(number))


LOADERS: dict[str, tuple[type[Any] | tuple[type[Any], ...], Callable[[Any], Any]]] = {
    "TIMESTAMP": (str, _naive),
    "TIMESTAMPTZ": (str, _aware),
    "TIMESTAMP WITH TIME ZONE": (str, _aware),
    "DATE": (str, date.fromisoformat),
    "TIME": (str, time.fromisoformat),
    "BOOLEAN": (int, bool),
    "BOOL": (int, bool),
    "NUMERIC": ((int, float, str), _decimal),
    "DECIMAL": ((int, float, str), _decimal),
    "UUID": (str, UUID),
    "JSON": (str, msgspec.json.decode),
    "JSONB": (str, msgspec.json.decode),
}
"""For a declared type: the types of what SQLite gives, and a function from it to what psycopg gives."""


def loaded(rows: list[Row], declared: Sequence[str | None]) -> list[Row]:
    """Rows of SQLite, with the values that PostgreSQL would give for columns of these types.

    A column that is computed has no declared type. A value that is none of its type stays as it is.
    """
    found = {
        place: loader
        for place, kind in enumerate(declared)
        if kind and (loader := LOADERS.get(kind.partition("(")[0].strip().upper()))
    }
    if not found:
        return rows
    return [
        tuple(_loaded(value, *found[place]) if place in found else value for place, value in enumerate(row))
        for row in rows
    ]


def _loaded(value: Any, types: type[Any] | tuple[type[Any], ...], load: Callable[[Any], Any]) -> Any:
    if not isinstance(value, types):
        return value
    try:
        return load(value)
    except (ValueError, ArithmeticError, RecursionError, msgspec.MsgspecError):
        return value


ADAPTED: dict[str, tuple[frozenset[object], Callable[[Any], Any]]] = {
    "sqlite": (PLAIN, for_sqlite),
    "postgresql": (NATIVE, for_postgres),
    "duckdb": (NATIVE, for_duckdb),
}
"""For a dialect: the types that its driver takes as they are, and a function for others."""


def adapter(dialect: str) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """A function from the arguments of a statement to what the database of this dialect takes."""
    known, adapted = ADAPTED[dialect]
    covers, wants_text = known.issuperset, dialect == "postgresql"

    def adapt(arguments: Sequence[Any]) -> Sequence[Any]:
        if arguments.__class__ is not tuple and isinstance(arguments, Mapping):
            raise TypeError("the arguments of a statement are a sequence, one for each ? in it")
        if covers(map(type, arguments)) and not (wants_text and _has_nul(arguments)):
            return arguments
        return [adapted(each) for each in arguments]

    return adapt


def _has_nul(arguments: Sequence[Any]) -> bool:
    return any(each.__class__ is str and "\0" in each for each in arguments)
