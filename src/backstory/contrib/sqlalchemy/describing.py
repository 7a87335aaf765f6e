"""From models and tables of SQLAlchemy to descriptions of captured tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Column, Table, inspect, types
from sqlalchemy.orm import Mapper

from backstory.capture.described import Captured
from backstory.capture.described import Column as Described
from backstory.errors import DefinitionError
from backstory.rows.forms import Kind

KINDS: tuple[tuple[type[Any], Kind], ...] = (
    (types.Boolean, "bool"),
    (types.Interval, "duration"),
    (types.LargeBinary, "bytes"),
    (types.Uuid, "uuid"),
    (types.JSON, "json"),
    (types.Date, "date"),
    (types.Time, "time"),
    (types.Float, "float"),
)
"""The kinds of types. A datetime is of the kind that the database has: only PostgreSQL keeps a zone."""


def captured(
    *models: Any, names: Mapping[Any, str] | None = None, leave_out: Iterable[Any] = ()
) -> dict[Table, Captured]:
    """The tables of models: of mapped classes, of a declarative base (all of its classes), and of `Table` objects.

    The tables of subclasses and of many-to-many relationships belong to them. A field has the name of the model's
    attribute. `names` gives histories other names than those of the tables; `leave_out` are attributes or columns whose
    values are never recorded. Raises `DefinitionError`.
    """
    mappers: dict[Mapper[Any], None] = {}
    tables: dict[Table, None] = {}
    for model in models:
        for mapper in _mappers(model):
            mappers.update(dict.fromkeys(mapper.base_mapper.self_and_descendants))
        if isinstance(model, Table):
            tables[model] = None
        elif _is_base(model):
            tables.update(dict.fromkeys(model.metadata.tables.values()))
    fields: dict[Column[Any], str] = {}
    base_of: dict[Table, Table] = {}
    for mapper in mappers:
        _read(mapper, tables, fields, base_of)
    called = {table_of(model): name for model, name in (names or {}).items()}
    left_out = {_column(each) for each in leave_out}
    return {table: _captured(table, fields, base_of, called, left_out) for table in tables}


def versions(*models: Any) -> frozenset[Column[Any]]:
    """The columns by which mappers of these models notice a change by somebody else (`version_id_col`)."""
    mappers = (mapper for model in models for mapper in _mappers(model))
    every = (each for mapper in mappers for each in mapper.base_mapper.self_and_descendants)
    return frozenset(mapper.version_id_col for mapper in every if isinstance(mapper.version_id_col, Column))


def _is_base(model: Any) -> bool:
    return isinstance(model, type) and hasattr(model, "registry") and inspect(model, raiseerr=False) is None


def _mappers(model: Any) -> Iterable[Mapper[Any]]:
    if isinstance(model, Table):
        return ()
    if _is_base(model):
        return cast("Iterable[Mapper[Any]]", model.registry.mappers)
    found = inspect(model, raiseerr=False)
    if isinstance(found, Mapper):
        return (found,)
    raise DefinitionError(f"{model!r} is no model: give mapped classes, a declarative base, or tables")


def _read(
    mapper: Mapper[Any],
    tables: dict[Table, None],
    fields: dict[Column[Any], str],
    base_of: dict[Table, Table],
) -> None:
    """Note the tables of a mapper, the names of its fields, and the table that a subclass's one is a part of."""
    table = mapper.local_table
    if not isinstance(table, Table):
        raise DefinitionError(
            f"{mapper.class_.__qualname__} is mapped to no table, but to {type(table).__name__}"
        )
    tables[table] = None
    for attribute in mapper.column_attrs:
        for column in attribute.columns:
            if isinstance(column, Column) and isinstance(column.table, Table):
                fields.setdefault(column, attribute.key)
    if mapper.inherits is not None and not mapper.concrete and table is not mapper.inherits.local_table:
        base_of[table] = cast("Table", mapper.inherits.base_mapper.local_table)
    for relationship in mapper.relationships:
        if isinstance(relationship.secondary, Table):
            tables[relationship.secondary] = None


def _captured(
    table: Table,
    fields: Mapping[Column[Any], str],
    base_of: Mapping[Table, Table],
    called: Mapping[Table, str],
    left_out: set[Column[Any]],
) -> Captured:
    base = base_of.get(table, table)
    own = f"{base.schema}_{base.name}" if base.schema else base.name
    return Captured(
        str(table.name),
        tuple(str(column.name) for column in _key(table)),
        tuple(
            Described(
                str(column.name),
                str(fields.get(column, column.key)),
                kind_of(column.type),
                _scale(column.type),
            )
            for column in table.columns
            if column not in left_out
        ),
        str(called.get(base, own)),
        str(table.schema or ""),
        part=base is not table,
        left_out=tuple(str(column.name) for column in table.columns if column in left_out),
    )


def _key(table: Table) -> Sequence[Column[Any]]:
    """The columns that tell rows apart: the primary key, or all columns of a table that only ties others together."""
    key = list(table.primary_key.columns)
    if not key and all(column.foreign_keys for column in table.columns):
        key = list(table.columns)
    if not key:
        raise DefinitionError(f"{table.fullname} has no primary key, so nobody can tell its rows apart")
    return key


def kind_of(type: types.TypeEngine[Any]) -> Kind:
    """The kind of the values of a column."""
    type = _inner(type)
    for known, kind in KINDS:
        if isinstance(type, known):
            return kind
    if isinstance(type, types.Numeric):
        return "decimal" if type.asdecimal else "float"
    return ""


def _scale(type: types.TypeEngine[Any]) -> int | None:
    inner = _inner(type)
    return inner.scale if isinstance(inner, types.Numeric) and kind_of(type) == "decimal" else None


def _inner(type: types.TypeEngine[Any]) -> types.TypeEngine[Any]:
    while isinstance(type, types.TypeDecorator) and not isinstance(type, types.Interval):
        type = type.impl_instance
    if isinstance(type, types.ARRAY):
        return type.item_type
    return type


def table_of(model: Any) -> Table:
    """The table of a model, with which those of its subclasses share a history."""
    if isinstance(model, Table):
        return model
    [mapper] = _mappers(model)
    return cast("Table", mapper.base_mapper.local_table)


def _column(each: Any) -> Column[Any]:
    if isinstance(each, Column):
        return each
    found = getattr(getattr(each, "property", None), "columns", ())
    if found and isinstance(found[0], Column):
        return found[0]
    raise DefinitionError(f"{each!r} is no column: name one as Customer.password, or as a Column of a table")
