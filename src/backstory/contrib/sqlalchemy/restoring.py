"""Writing events of rows to an application's tables: each field as the value that its column has."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, Dialect, Table, and_, null, select, type_coerce, types

from backstory.capture.described import Captured
from backstory.rows.events import Fields, RowChanged, RowEvent, RowInserted
from backstory.rows.keys import key_of, parts_of

Part = tuple[Captured, Table]


def write(
    connection: Connection, event: RowEvent, tables: Sequence[Part], versions: Collection[Column[Any]] = ()
) -> bool:
    """Write what an event says to the tables that share its history: the whole rows first, then their parts.

    Of `versions`, those that count go up. Returns whether there was anything to write: a row may be gone by now.
    """
    written = 0
    if isinstance(event, RowInserted):
        for part in tables:
            if not part[0].part or any(name in event.row for name in _own_fields(part)):
                _insert(connection, part, event.key, event.row)
                written += 1
    elif isinstance(event, RowChanged):
        for part in tables:
            written += _change(connection, part, event, versions)
    else:
        for captured, table in reversed(tables):
            is_row = _is_row(connection, captured, table, event.key)
            written += connection.execute(table.delete().where(is_row)).rowcount
    return written > 0


def _change(connection: Connection, part: Part, event: RowChanged, versions: Collection[Column[Any]]) -> int:
    captured, table = part
    own = _own_fields(part)
    if captured.part and own and own <= set(event.unset):
        is_row = _is_row(connection, captured, table, event.key)
        return connection.execute(table.delete().where(is_row)).rowcount
    fields = {**dict.fromkeys(event.unset), **event.set}
    values = {
        column: value
        for column, value in _values(connection, part, fields).items()
        if column.name not in captured.key
    }
    if not values:
        return 0
    counts = (column for column in table.columns if column in versions)
    values |= {column: column + 1 for column in counts if isinstance(column.type, types.Integer)}
    done = connection.execute(
        table.update().where(_is_row(connection, captured, table, event.key)).values(values)
    )
    if not done.rowcount and captured.part:
        _insert(connection, part, event.key, fields)
        return 1
    return done.rowcount


def _insert(connection: Connection, part: Part, key: str, fields: Fields) -> None:
    captured, table = part
    values = {**_values(connection, part, fields), **_key(connection, captured, table, key)}
    connection.execute(table.insert().values(values))


def by_themselves(tables: Iterable[Part], versions: Collection[Column[Any]] = ()) -> set[str]:
    """The fields that get a value whenever a row is written: `onupdate`, what a trigger gives, what is computed, and
    `versions`."""
    return {
        one.field
        for captured, table in tables
        for one in captured.columns
        for column in [_column(table, one.name)]
        if column in versions
        or column.onupdate is not None
        or column.server_onupdate is not None
        or column.computed is not None
    }


def _own_fields(part: Part) -> set[str]:
    captured, _ = part
    return {column.field for column in captured.columns if column.name not in captured.key}


def _values(connection: Connection, part: Part, fields: Mapping[str, Any]) -> dict[Column[Any], Any]:
    """The values of columns, of those fields that the table has."""
    captured, table = part
    found = [(_column(table, one.name), one.field) for one in captured.columns if one.field in fields]
    return {
        column: _null(column) if fields[field] is None else value_of(column, fields[field], connection)
        for column, field in found
        if not column.computed
    }


def _null(column: Column[Any]) -> Any:
    """Null of SQL, unless the column can only have that of JSON: a field does not tell them apart."""
    return types.JSON.NULL if isinstance(column.type, types.JSON) and not column.nullable else null()


def _column(table: Table, name: str) -> Column[Any]:
    return next(column for column in table.columns if column.name == name)


def _key(connection: Connection, captured: Captured, table: Table, key: str) -> dict[Column[Any], Any]:
    columns = [_column(table, name) for name in captured.key]
    parts = parts_of(key, len(columns))
    return {column: value_of(column, part, connection) for column, part in zip(columns, parts, strict=True)}


def key_of_row(dialect: Dialect, part: Part, key: Sequence[Any]) -> str:
    """The key that the row of an object has in the history, by the values that the application gives it."""
    captured, table = part
    if len(key) != len(captured.key):
        raise TypeError(f"the key of {table.name} is of {len(captured.key)}: {', '.join(captured.key)}")
    columns = [_column(table, name) for name in captured.key]
    return key_of(*(_stored(column.type, value, dialect) for column, value in zip(columns, key, strict=True)))


def _stored(type: types.TypeEngine[Any], value: Any, dialect: Dialect) -> Any:
    """A value as the column has it, where that is not what the application has."""
    if isinstance(type, types.TypeDecorator) and not isinstance(type, types.Interval):
        if type.__class__.process_bind_param is not types.TypeDecorator.process_bind_param:
            value = type.process_bind_param(value, dialect)
        return _stored(type.impl_instance, value, dialect)
    if isinstance(value, enum.Enum) and isinstance(type, types.Enum) and type.enum_class is not None:
        return {member: kept for kept, member in _members(type)}[value]
    return value


def key_of_driver(connection: Connection, part: Part, key: str) -> tuple[Any, ...] | None:
    """The values of a row's key as the driver gives and takes them; None if the row is not there."""
    captured, table = part
    columns = [type_coerce(_column(table, name), types.NullType()) for name in captured.key]
    found = connection.execute(select(*columns).where(_is_row(connection, captured, table, key))).first()
    return None if found is None else tuple(found)


def _is_row(connection: Connection, captured: Captured, table: Table, key: str) -> Any:
    found = _key(connection, captured, table, key)
    return and_(*(column.is_not_distinct_from(value) for column, value in found.items()))


def value_of(column: Column[Any], field: Any, connection: Connection) -> Any:
    """The Python value of a field, as the application would give it."""
    if field is None:
        return None
    return _python(column.type, field, connection)


def _python(type: types.TypeEngine[Any], field: Any, connection: Connection) -> Any:
    if isinstance(type, types.TypeDecorator) and not isinstance(type, types.Interval):
        return _decorated(type, _python(type.impl_instance, field, connection), connection.dialect)
    if isinstance(type, types.Enum):
        return _member(type, field)
    if isinstance(type, types.ARRAY):
        return [None if each is None else _python(type.item_type, each, connection) for each in field]
    if isinstance(type, types.JSON):
        return field
    try:
        kind = type.python_type
    except NotImplementedError:
        return field
    if kind is datetime.datetime and not getattr(type, "timezone", False):
        return msgspec.convert(field, datetime.datetime, strict=False).replace(tzinfo=None)
    return msgspec.convert(field, kind, strict=False) if isinstance(field, (str, int, float)) else field


def _member(type: types.Enum, field: Any) -> Any:
    """The member of an enumeration that is kept as this text."""
    return field if type.enum_class is None else dict(_members(type))[field]


def _members(type: types.Enum) -> Iterable[tuple[str, Any]]:
    """Its members, each after the text that it is kept as: its name, unless the column says another."""
    assert type.enum_class is not None
    members = list(type.enum_class.__members__.values())
    kept = type.values_callable(type.enum_class) if type.values_callable else [one.name for one in members]
    return zip(kept, members, strict=True)


def _decorated(type: types.TypeDecorator[Any], inner: Any, dialect: Dialect) -> Any:
    """The value that a decorated type makes of the one of its own inner type."""
    cls = type.__class__
    if cls.result_processor is not types.TypeDecorator.result_processor:  # as that of pickled objects
        process = type.result_processor(dialect, None)
        return inner if process is None else process(inner)
    if cls.process_result_value is not types.TypeDecorator.process_result_value:
        return type.process_result_value(inner, dialect)
    return inner


def in_order(tables: Iterable[Part]) -> list[Part]:
    """The tables of a history, those that have whole rows first."""
    return sorted(tables, key=lambda part: part[0].part)
