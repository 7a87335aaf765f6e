"""The forms of values: from what triggers write to the fields of a row."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import msgspec

from backstory.capture.described import Captured, Column
from backstory.capture.outbox import Taken
from backstory.capture.reading import clean, row_of, value_of
from backstory.capture.sqlite import values_of
from backstory.rows.events import Fields
from backstory.rows.keys import key_of

START = datetime(1970, 1, 1)  # noqa: DTZ001 - as SQLAlchemy keeps a duration in SQLite
SPECIAL = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


class Bytes(str):
    """Bytes that SQLite keeps, in hex digits."""

    __slots__ = ()


def rows_of(taken: Taken, captured: Captured) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The values of a row by column, before and after, as triggers wrote them."""
    new = None if taken.new is None else _values(row_of(taken.new), captured)
    if taken.old is None:
        return None, new
    found = row_of(taken.old)
    if isinstance(found, dict) or new is None:
        return _values(found, captured), new
    kept = zip(captured.columns, values_of(found, len(captured.columns)), strict=True)
    return {
        column.name: new[column.name] if was is None else _unpacked(was[0], column) for column, was in kept
    }, new


def _values(found: Any, captured: Captured) -> dict[str, Any]:
    if isinstance(found, dict):
        return found
    values = values_of(found, len(captured.columns))
    return {
        column.name: _unpacked(value, column) for column, value in zip(captured.columns, values, strict=True)
    }


def _unpacked(value: Any, column: Column) -> Any:
    """A value of SQLite's, which keeps JSON as text."""
    if column.kind == "json" and isinstance(value, str):
        return value_of(value)
    if isinstance(value, dict):
        return float(value["r"]) if "r" in value else Bytes(value["b"])
    return value


def split(values: Mapping[str, Any], captured: Captured) -> tuple[str, Fields]:
    """The key of a row, and its fields. Those of a key that is one column are not repeated."""
    known = {column.name: column for column in captured.columns}
    made = {}
    for name, value in values.items():
        column = known.get(name) or Column(name)
        made[name] = column.field, formed(value, column)
    key = key_of(*(made[name][1] for name in captured.key))
    leave = captured.key if captured.is_keyed_by_one else ()
    return key, {field: value for name, (field, value) in made.items() if name not in leave}


def formed(value: Any, column: Column) -> Any:
    """The field of a value."""
    if value is None:
        return None
    if isinstance(value, Bytes):
        return _of_bytes(bytes.fromhex(value), column)
    if isinstance(value, str):
        value = clean(value)
    if isinstance(value, list) and column.kind != "json":
        return [formed(each, column) for each in value]
    if column.kind and (form := FORMS.get(column.kind)) is not None and not isinstance(value, dict):
        try:
            return form(value, column)
        except (ValueError, TypeError, OverflowError, InvalidOperation, ArithmeticError, msgspec.DecodeError):
            pass  # SQLite keeps anything in any column: then it is kept as it is
    return _plain(value)


def _of_bytes(value: bytes, column: Column) -> Any:
    if column.kind == "uuid" and len(value) == 16:
        return str(UUID(bytes=value))
    encoded = base64.b64encode(value).decode()
    return encoded if column.kind == "bytes" else {"bytes": encoded}


def _plain(value: Any) -> Any:
    """A value whose column says nothing: numbers are numbers, where JSON can have them."""
    if isinstance(value, Decimal):
        return _float(value, None)
    if isinstance(value, float):
        return _float(value, None)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {_name(name): _plain(each) for name, each in value.items()}
    return clean(value) if isinstance(value, str) else value


def _name(name: str) -> str:
    cleaned = clean(name)
    return cleaned if isinstance(cleaned, str) else next(iter(cleaned.values()))


def _bool(value: Any, _column: Column) -> Any:
    return bool(value) if isinstance(value, int) and value in (0, 1) else _plain(value)


def _bytes(value: Any, _column: Column) -> Any:
    if isinstance(value, str) and value.startswith("\\x"):
        return base64.b64encode(bytes.fromhex(value[2:])).decode()
    return {"text": value} if isinstance(value, str) else _plain(value)


def _decimal(value: Any, column: Column) -> Any:
    if isinstance(value, str):
        return value
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if column.scale is not None and isinstance(value, float | int) and exact.is_finite():
        short = round(exact, column.scale)
        exact = short if short == exact else exact
    return f"{exact:f}" if exact.is_finite() else SPECIAL.get(str(float(exact)), str(exact))


def _float(value: Any, _column: Column | None) -> Any:
    if isinstance(value, str):
        return value
    number = float(value)
    if str(number) in SPECIAL:
        return SPECIAL[str(number)] if isinstance(value, float) else str(value)
    if isinstance(value, Decimal) and _column is None and Decimal(repr(number)) != value:
        return str(
            value
        )  # more digits than a float has: a number in an array, or of a column that nobody knows
    return number


def _datetime(value: Any, _column: Column) -> Any:
    return msgspec.to_builtins(datetime.fromisoformat(value))


def _instant(value: Any, _column: Column) -> Any:
    moment = datetime.fromisoformat(value)
    return msgspec.to_builtins(moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC))


def _date(value: Any, _column: Column) -> Any:
    return date.fromisoformat(value).isoformat()


def _time(value: Any, _column: Column) -> Any:
    return msgspec.to_builtins(time.fromisoformat(value))


def _duration(value: Any, _column: Column) -> Any:
    if isinstance(value, str) and value.startswith(("P", "-P")):
        return value
    return msgspec.to_builtins(datetime.fromisoformat(value) - START)


def _micros(value: Any, column: Column) -> Any:
    if isinstance(value, int):
        return msgspec.to_builtins(timedelta(microseconds=value))
    return _duration(value, column)


def _uuid(value: Any, _column: Column) -> Any:
    return str(UUID(value))


FORMS: dict[str, Callable[[Any, Column], Any]] = {
    "bool": _bool,
    "bytes": _bytes,
    "decimal": _decimal,
    "float": _float,
    "datetime": _datetime,
    "instant": _instant,
    "date": _date,
    "time": _time,
    "duration": _duration,
    "micros": _micros,
    "uuid": _uuid,
}
