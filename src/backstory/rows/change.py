"""The one command that writes rows: `change(table, key, was, set, unset, unique)`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from backstory.decide.commands import command
from backstory.decide.parameters import depends
from backstory.errors import DuplicateRow, MissingRow, StaleRow
from backstory.rows.events import Fields, json_of, same
from backstory.rows.kinds import Holder, Kind, Row, kind
from backstory.subject import ROW
from backstory.values.event import Event


def its_row(table: str, key: str) -> Row:
    """The row that is written."""
    return kind(table).row(key)


def its_holders(table: str, set: Fields | None, unique: tuple[str, ...]) -> list[Holder]:
    """The holders of the unique values that it is to have."""
    return [kind(table).holder(digest) for digest in digests(set, unique)]


ITS_ROW, ITS_HOLDERS = depends(its_row), depends(its_holders)


@command(name=ROW)
def change(
    table: str,
    key: str,
    was: Fields | None,
    set: Fields | None,
    unset: tuple[str, ...] = (),
    unique: tuple[str, ...] = (),
    row: Row = ITS_ROW,
    holders: list[Holder] = ITS_HOLDERS,
) -> Iterator[Event]:
    """Insert a row (`was` is None), delete it (`set` is None), or change fields of it.

    `was` has the fields that this relies on, with their values. Refuses with `DuplicateRow`, `MissingRow`, `StaleRow`.
    """
    for holder in holders:
        if holder.key not in (None, key):
            field = holder.value.partition(":")[0]
            raise DuplicateRow(f"{table}: {holder.key} has this {field} already", table, key, (field,))
    made, now = kind(table), row.row
    if was is None:
        if now is not None:
            raise DuplicateRow(f"{table} has a row {key} already", table, key)
        yield made.inserted(key=key, row=set or {}, takes=digests(set, unique))
    elif now is None:
        raise MissingRow(f"{table} has no row {key}", table, key)
    elif set is None:
        _need_current(table, key, [name for name in {**was, **now} if not _equal(name, was, now)], now)
        yield made.deleted(key=key, row=now, frees=digests(now, unique))
    else:
        _need_current(table, key, _moved(was, now, set, unset), now)
        yield _changed(made, key, was, set, unset, unique)


change.decides_again = True


def _changed(
    made: Kind,
    key: str,
    was: Fields,
    set: Fields,
    unset: tuple[str, ...],
    unique: tuple[str, ...],
) -> Event:
    """The change of fields. It follows from the command alone, so that it is the same wherever it is decided."""
    touched = [name for name in unique if name in set or name in unset]
    return made.changed(
        key=key, set=set, unset=unset, takes=digests(set, touched), frees=digests(was, touched)
    )


def digests(fields: Mapping[str, Any] | None, unique: Iterable[str]) -> tuple[str, ...]:
    """The digests of the unique values among some fields; null is no value."""
    values = {name: (fields or {}).get(name) for name in unique}
    return tuple(f"{name}:{_digest(value)}" for name, value in values.items() if value is not None)


def _digest(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # SQL and Python take 1 and 1.0 for one value
    return hashlib.sha256(json_of(value)).hexdigest()[:32]


def _moved(was: Fields, now: Fields, set: Fields, unset: tuple[str, ...]) -> list[str]:
    """The fields that have another value than this relies on, and than it gives them."""
    relied = {**was, **dict.fromkeys(set), **dict.fromkeys(unset)}
    after = {name: value for name, value in {**was, **set}.items() if name not in unset}
    return [name for name in relied if not (_equal(name, was, now) or _equal(name, after, now))]


def _equal(name: str, one: Fields, other: Fields) -> bool:
    return (name in one) == (name in other) and same(one.get(name), other.get(name))


def _need_current(table: str, key: str, moved: list[str], now: Fields) -> None:
    if moved:
        told = ", ".join(
            f"{name} is {json_of(now[name]).decode()}" if name in now else f"{name} is gone" for name in moved
        )
        raise StaleRow(f"{table}: {key} was changed meanwhile: {told}", table, key, tuple(moved))
