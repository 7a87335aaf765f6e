"""Values of a database as JSON has them, and as times.

A number that is exact stays so, as text; so does a time, in ISO 8601, with a zone only where the database has one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from backstory.values.commit import EPOCH

TRUE = ("1", "t", "true", "y", "yes")

NATIVE = (Decimal, datetime, date, time, timedelta, UUID, bytes, memoryview)
READERS: dict[str, Callable[[str], Any]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
}

SECONDS, MILLIS = 10**11, 10**14
"""A number as a time is of seconds since 1970 below the first, of milliseconds below the second, else microseconds."""


def plain(value: Any, kind: str = "", scale: int | None = None) -> Any:
    """A value as JSON has it. `kind` is what its column holds, where the value alone does not say that.

    Raises `ValueError` for what JSON does not have.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _of_text(value, kind)
    if isinstance(value, (int, float)):
        return _number(value, kind, scale)
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, NATIVE):
        return msgspec.to_builtins(value)
    return str(value)


def _number(value: float, kind: str, scale: int | None) -> Any:
    if kind == "boolean" and value in (0, 1):
        return bool(value)
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number that JSON has")
    if kind == "exact":
        return str(value) if scale is None else f"{value:.{scale}f}"
    return value


def _of_text(text: str, kind: str) -> Any:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("it is no UTF-8") from None
    if kind == "json":
        return msgspec.json.decode(text)
    try:
        return msgspec.to_builtins(READERS[kind](text)) if text and kind in READERS else text
    except ValueError:
        return text  # SQLite takes any text into any column


def moment(value: Any, zone: tzinfo) -> datetime:
    """A value as a time; one without a zone is in `zone`. Raises `ValueError`."""
    match value:
        case datetime():
            found = value
        case date():
            found = datetime.combine(value, time())
        case str():
            try:
                found = datetime.fromisoformat(value)
            except ValueError:
                raise ValueError(f"{value!r} is not an ISO 8601 time") from None
        case int() | float() | Decimal() if not isinstance(value, bool):
            size = abs(float(value))
            unit = 1 if size < SECONDS else 1_000 if size < MILLIS else 1_000_000
            return EPOCH + timedelta(seconds=float(value) / unit)
        case None:
            raise ValueError("it has no time")
        case _:
            raise ValueError(f"{value!r} is no time")
    return found if found.tzinfo is not None else found.replace(tzinfo=zone)


def is_true(value: Any) -> bool:
    """Whether a mark of deletion is set: it is true, a number that is not 0, or the time of the deletion."""
    if isinstance(value, str):
        return bool(value) and (value.lower() in TRUE or (value[:1].isdigit() and value != "0"))
    return bool(value)
