"""The form of a value of another database as a field of a row, which is the same whether it is captured or imported.

A number that is exact stays so, as text, and so does a time, in ISO 8601, with a zone only where the database has one.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal, InvalidOperation
from typing import Any, Literal, TypeAlias
from uuid import UUID

import msgspec

from backstory.rows.texts import clean

SIGNED = re.compile(r"P(?:(-?[0-9]+)D)?(?:T(?:(-?[0-9]+)H)?(?:(-?[0-9]+)M)?(?:(-?[0-9]+(?:\.[0-9]+)?)S)?)?")
"""A duration of days and less; months and years have no fixed length."""

START = datetime(1970, 1, 1)  # noqa: DTZ001 - as SQLAlchemy keeps a duration in SQLite
WIDE = Context(prec=1_000)
"""A float may have 309 digits before its point, where the usual context has room for 28 in all."""

SPECIAL = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}

Kind: TypeAlias = Literal[
    "",
    "bool",
    "bytes",
    "decimal",
    "float",
    "datetime",
    "instant",
    "date",
    "time",
    "duration",
    "micros",
    "uuid",
    "json",
]
"""The meaning of a column's values, so that its field has one form, whichever database keeps it:

- empty: as the database gives it, a text or a number
- `bool`: true or false, which SQLite keeps as 1 or 0
- `bytes`: base64
- `decimal`: the digits as text; `float`: a number, and `NaN`, `Infinity`, `-Infinity` as text
- `datetime`, `date`, `time`: ISO 8601; `instant`: a datetime in UTC, which SQLite keeps without its zone
- `duration`: ISO 8601, kept by SQLite as the time since 1970; `micros`: the same, kept as microseconds
- `uuid`: with hyphens; `json`: the value, and not its text
"""


NATIVE = (datetime, date, time, timedelta, UUID)
"""Values of drivers whose texts are read like those of databases."""


def formed(value: Any, kind: str = "", scale: int | None = None) -> Any:
    """The field of a value, as a trigger wrote it or a driver gives it. `kind` is that of its column, and `scale` the
    number of digits after the point of a decimal, where the database does not keep them."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _of_bytes(bytes(value), kind)
    if isinstance(value, NATIVE):
        value = msgspec.to_builtins(value)
    if isinstance(value, str):
        value = clean(value)
    if isinstance(value, (list, tuple)) and kind != "json":
        return [formed(each, kind, scale) for each in value]
    if (form := FORMS.get(kind)) is not None and not isinstance(value, dict):
        try:
            return form(value, scale)
        except (ValueError, TypeError, OverflowError, InvalidOperation, ArithmeticError, msgspec.DecodeError):
            pass  # SQLite keeps anything in any column: then it is kept as it is
    return _plain(value)


def _of_bytes(value: bytes, kind: str) -> Any:
    if kind == "uuid" and len(value) == 16:
        return str(UUID(bytes=value))
    encoded = base64.b64encode(value).decode()
    return encoded if kind == "bytes" else {"bytes": encoded}


def _plain(value: Any) -> Any:
    """A value whose column says nothing: numbers are numbers, where JSON can have them."""
    if isinstance(value, (Decimal, float)):
        return _number(value)
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {_name(str(name)): _plain(each) for name, each in value.items()}
    if isinstance(value, str):
        return clean(value)
    return value if value is None or isinstance(value, int) else str(value)


def _name(name: str) -> str:
    cleaned = clean(name)
    return cleaned if isinstance(cleaned, str) else next(iter(cleaned.values()))


def _bool(value: Any, _scale: int | None) -> Any:
    return bool(value) if isinstance(value, int) and value in (0, 1) else _plain(value)


def _bytes(value: Any, _scale: int | None) -> Any:
    if isinstance(value, str) and value.startswith("\\x"):
        return base64.b64encode(bytes.fromhex(value[2:])).decode()
    return {"text": value} if isinstance(value, str) else _plain(value)


def _decimal(value: Any, scale: int | None) -> Any:
    if isinstance(value, str):
        return value
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if scale is not None and isinstance(value, float | int) and exact.is_finite():
        short = exact.quantize(Decimal(1).scaleb(-scale), context=WIDE)
        exact = short if short == exact else exact
    return f"{exact:f}" if exact.is_finite() else SPECIAL.get(str(float(exact)), str(exact))


def _float(value: Any, _scale: int | None) -> Any:
    if isinstance(value, str):
        return value
    number = float(value)
    if str(number) in SPECIAL:
        return SPECIAL[str(number)] if isinstance(value, float) else str(value)
    return number


def _number(value: Decimal | float) -> Any:
    """A number in JSON, or of a column that says nothing: its text, if a float has not all of its digits."""
    found = _float(value, None)
    if isinstance(found, float) and isinstance(value, Decimal) and Decimal(repr(found)) != value:
        return str(value)
    return found


def _datetime(value: Any, _scale: int | None) -> Any:
    return msgspec.to_builtins(datetime.fromisoformat(value))


def _instant(value: Any, _scale: int | None) -> Any:
    moment = datetime.fromisoformat(value)
    return msgspec.to_builtins(moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC))


def _date(value: Any, _scale: int | None) -> Any:
    return date.fromisoformat(value).isoformat()


def _time(value: Any, _scale: int | None) -> Any:
    return msgspec.to_builtins(time.fromisoformat(value))


def _duration(value: Any, _scale: int | None) -> Any:
    if isinstance(value, str) and value.startswith(("P", "-P")):
        return _of_one_sign(value)
    return msgspec.to_builtins(datetime.fromisoformat(value) - START)


def _of_one_sign(value: str) -> str:
    """A duration with one sign for all of its parts: PostgreSQL writes `P-1DT23H59M58.5S` for `-PT1.5S`."""
    found = SIGNED.fullmatch(value) if "-" in value[1:] else None
    if found is None:
        return value
    days, hours, minutes, seconds = (part or "0" for part in found.groups())
    micros = int(Decimal(seconds) * 1_000_000)
    try:
        whole = timedelta(days=int(days), hours=int(hours), minutes=int(minutes), microseconds=micros)
    except OverflowError:  # PostgreSQL has longer ones than Python
        return value
    return str(msgspec.to_builtins(whole))


def _micros(value: Any, scale: int | None) -> Any:
    if isinstance(value, int):
        return msgspec.to_builtins(timedelta(microseconds=value))
    return _duration(value, scale)


def _uuid(value: Any, _scale: int | None) -> Any:
    return str(UUID(value))


FORMS: dict[str, Callable[[Any, int | None], Any]] = {
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
