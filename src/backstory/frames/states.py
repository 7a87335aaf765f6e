"""The columns of states and of rows of tables: their fields, those that tell them apart first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

import pyarrow as pa
from msgspec import UnsetType

from backstory.decide.state import State
from backstory.frames.columns import Column, batches, schema_of, table_of
from backstory.frames.kinds import PLAIN, Kind, as_json, kind_of
from backstory.rows.shape import Typed
from backstory.table import Table
from backstory.values.fields import hints
from backstory.values.masking import masked
from backstory.values.veil import OPEN, field_names, named, veil_of

if TYPE_CHECKING:
    from backstory.database import Database

EXACT = 2**53
"""Whole numbers up to this one are floats, too."""


def found(db: Database, what: type[State] | Table[Any], where: str, asked: Mapping[str, Any]) -> pa.Table:
    """What `find` gives, as columns: of a class of states, or of a table, as this database sees it."""
    if isinstance(what, type):
        return _table(db.find(what, where, **asked), columns(what))
    shape = what._shape
    page = Table(db, what.name, shape, what.unique).find(where, **asked)
    if isinstance(shape, Typed):
        return _table(page, columns(shape.cls))
    hidden = named()
    key = shape.key or "key"
    while shape.key is None and any(key in row for row in page):
        key = f"row_{key}"
    rows = [{key: row.key, **masked(dict(row), hidden)} for row in page]
    return _table(rows, of_dicts(rows, [key]))


def _table(rows: Sequence[Any], columns: Sequence[Column]) -> pa.Table:
    return table_of(batches(rows, columns), schema_of(columns))


def columns(cls: type[Any]) -> list[Column]:
    """The columns of the objects of a class: of a state, of a row, or of any other class with fields."""
    veil, annotations = veil_of(cls) or OPEN, hints(cls) or {}
    return [
        Column(name, kind_of(annotations.get(name), veil.at(step)), _getter(name))
        for name, step in (field_names(cls) or {}).items()
        if UnsetType not in get_args(annotations.get(name))
    ]


def of_dicts(rows: Sequence[Mapping[str, Any]], first: Iterable[str] = ()) -> list[Column]:
    """The columns of dicts of JSON values, by the values that are there: a field of several types is JSON."""
    found: dict[str, set[type[Any]]] = {name: set() for name in first}
    for row in rows:
        for name, value in row.items():
            kinds = found.setdefault(name, set())
            if value is not None:
                kinds.add(_Large if type(value) is int and abs(value) > EXACT else type(value))
    return [Column(name, _kind(kinds), _item(name)) for name, kinds in found.items()]


class _Large:
    """The type of whole numbers that a float may not have exactly."""


def _kind(types: set[type[Any]]) -> Kind:
    if types == {int, float}:
        return Kind(PLAIN[float].arrow, float)
    if float not in types:
        types = {int if each is _Large else each for each in types}
    [first, *others] = types or {str}
    return (
        PLAIN[first] if not others and first in (bool, int, float, str) else Kind(PLAIN[str].arrow, as_json)
    )


def _getter(name: str) -> Any:
    return lambda state: getattr(state, name, None)


def _item(name: str) -> Any:
    return lambda row: row.get(name)
