"""The commands that write rows: `change(table, key, was, set, unset, whole, unique)`, and `change_all` for many."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from backstory.decide.commands import command
from backstory.decide.parameters import depends
from backstory.errors import DuplicateRow, MissingRow, StaleRow
from backstory.rows.events import Fields, RowEvent, after, json_of, same
from backstory.rows.kinds import Holder, Kind, Row, kind
from backstory.subject import ROW, ROWS
from backstory.values.event import Event

Asked = tuple[Mapping[str, Any], frozenset[str] | None]
"""Fields and their new values, and those that are to be taken away; None stands for all others."""


class RowChange(msgspec.Struct, frozen=True):
    """A change of one row: an insert (`was` is None), a deletion (`set` is None), or other values of fields.

    `was` has the fields that it relies on, with their values; with `whole`, on the row having no other fields, too.
    """

    key: str
    was: Fields | None
    set: Fields | None
    unset: tuple[str, ...] = ()
    whole: bool = False


def its_row(table: str, key: str) -> Row:
    """The row that is written."""
    return kind(table).row(key)


def its_holders(table: str, set: Fields | None, unique: tuple[str, ...]) -> list[Holder]:
    """The holders of the unique values that it is to have."""
    return [kind(table).holder(digest) for digest in digests(set, unique)]


def all_rows(table: str, changes: list[RowChange]) -> list[Row]:
    """The rows that are written."""
    return [kind(table).row(key) for key in dict.fromkeys(one.key for one in changes)]


def all_holders(table: str, changes: list[RowChange], unique: tuple[str, ...]) -> list[Holder]:
    """The holders of the unique values that they are to have, and of those that they had."""
    found = (digest for one in changes for part in (one.was, one.set) for digest in digests(part, unique))
    return [kind(table).holder(digest) for digest in dict.fromkeys(found)]


ITS_ROW, ITS_HOLDERS = depends(its_row), depends(its_holders)
ALL_ROWS, ALL_HOLDERS = depends(all_rows), depends(all_holders)


@command(name=ROW)
def change(
    table: str,
    key: str,
    was: Fields | None,
    set: Fields | None,
    unset: tuple[str, ...] = (),
    whole: bool = False,
    unique: tuple[str, ...] = (),
    row: Row = ITS_ROW,
    holders: list[Holder] = ITS_HOLDERS,
) -> Iterator[Event]:
    """Change a row as a `RowChange` says. Refuses with `DuplicateRow`, `MissingRow`, `StaleRow`."""
    held = {holder.value: holder.key for holder in holders}
    now = None if was is None and row.withheld else row.row  # what nobody can read is written anew
    yield _changed(kind(table), RowChange(key, was, set, unset, whole), now, held, unique)


@command(name=ROWS)
def change_all(
    table: str,
    changes: list[RowChange],
    unique: tuple[str, ...] = (),
    rows: list[Row] = ALL_ROWS,
    holders: list[Holder] = ALL_HOLDERS,
) -> Iterator[Event]:
    """Change many rows, all or none, one after the other; see `change`."""
    held = {holder.value: holder.key for holder in holders}
    now = {row.key: row.row for row in rows}
    lost = {row.key for row in rows if row.withheld}
    for one in changes:
        if one.was is None and one.key in lost:
            now[one.key] = None
            lost.remove(one.key)
        event = _changed(kind(table), one, now[one.key], held, unique)
        now[one.key] = after(event, now[one.key])
        held.update(dict.fromkeys(event.frees), **dict.fromkeys(event.takes, one.key))
        yield event


change.decides_again = change_all.decides_again = True


def _changed(
    made: Kind, one: RowChange, now: Fields | None, held: Mapping[str, str | None], unique: tuple[str, ...]
) -> RowEvent:
    """The event of a change, on the row as it is. It follows from the change alone, wherever that is decided."""
    table, key, was, values = made.name, one.key, one.was, one.set
    for digest in digests(values, unique):
        if held[digest] not in (None, key):
            field = digest.partition(":")[0]
            raise DuplicateRow(f"{table}: {held[digest]} has this {field} already", table, key, (field,))
    if was is None:
        if now is not None:
            raise DuplicateRow(f"{table} has a row {key} already", table, key)
        return made.inserted(key=key, row=values or {}, takes=digests(values, unique))
    if now is None:
        raise MissingRow(f"{table} has no row {key}", table, key)
    _need_current(table, key, _moved(one, was, now), now)
    if values is None:
        return made.deleted(key=key, row=now, frees=digests(now, unique))
    takes, frees = digests(values, unique), freed(one, unique)
    return made.changed(key=key, set=values, unset=one.unset, takes=takes, frees=frees)


def is_write(command: Mapping[str, Any], table: str, key: str, asked: Asked | None) -> bool:
    """Whether a recorded command is what is left of a write that was asked for, without what was so already."""
    given = command.get("arguments", {})
    if command.get("name") != change.name or (given["table"], given["key"]) != (table, key):
        return False
    set, unset = given["set"], given["unset"]
    if set is None or asked is None:
        return set is None and asked is None
    fields, gone = asked
    return all(name in fields and same(fields[name], value) for name, value in set.items()) and all(
        name not in fields if gone is None else name in gone for name in unset
    )


def freed(one: RowChange, unique: Iterable[str]) -> tuple[str, ...]:
    """The digests of the unique values that a change takes away from its row."""
    names = unique if one.set is None else [name for name in unique if name in one.set or name in one.unset]
    return digests(one.was, names)


def digests(fields: Mapping[str, Any] | None, unique: Iterable[str]) -> tuple[str, ...]:
    """The digests of the unique values among some fields; null is no value."""
    values = {name: (fields or {}).get(name) for name in unique}
    return tuple(f"{name}:{_digest(value)}" for name, value in values.items() if value is not None)


def _digest(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # SQL and Python take 1 and 1.0 for one value
    return hashlib.sha256(json_of(value)).hexdigest()[:32]


def _moved(one: RowChange, was: Fields, now: Fields) -> list[str]:
    """The fields that have another value than a change relies on, and than it gives them.

    A deletion and a `whole` change rely on the row as it was: of two who count from 5 to 6, one came too late.
    """
    if one.whole or one.set is None:
        return [name for name in {**was, **now} if not _equal(name, was, now)]
    relied = {**was, **dict.fromkeys(one.set), **dict.fromkeys(one.unset)}
    after = {name: value for name, value in {**was, **one.set}.items() if name not in one.unset}
    return [name for name in relied if not (_equal(name, was, now) or _equal(name, after, now))]


def _equal(name: str, one: Fields, other: Fields) -> bool:
    return (name in one) == (name in other) and same(one.get(name), other.get(name))


def _need_current(table: str, key: str, moved: list[str], now: Fields) -> None:
    if moved:
        told = ", ".join(
            f"{name} is {json_of(now[name]).decode()}" if name in now else f"{name} is gone" for name in moved
        )
        raise StaleRow(f"{table}: {key} was changed meanwhile: {told}", table, key, tuple(moved))
