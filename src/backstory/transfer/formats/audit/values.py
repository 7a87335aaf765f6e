"""The columns of a history table itself: the time of a change, and whether a row was deleted."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from backstory.values.commit import EPOCH

TRUE = ("1", "t", "true", "y", "yes")

SECONDS, MILLIS = 10**11, 10**14
"""A number as a time is of seconds since 1970 below the first, of milliseconds below the second, else microseconds."""


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
