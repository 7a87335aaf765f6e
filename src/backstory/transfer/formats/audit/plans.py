"""What each column of a history table means, and the changes that its rows are by that."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

import msgspec

from backstory.transfer.formats.audit.changes import Change, Found, Place, key_of
from backstory.transfer.formats.audit.database import Column, Source, TableThere, alchemy
from backstory.transfer.formats.audit.values import is_true, moment, plain
from backstory.transfer.source import MALFORMED

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, FromClause, Select

DELETIONS = frozenset({"d", "delete", "deleted", "remove", "removed", "destroy", "destroyed", "-"})
"""Operations that take a row away, as they are called in most tables."""


class Beside(msgspec.Struct, frozen=True):
    """A table beside a history table, for names and times, under an alias: its column `key` is what `by` is."""

    alias: str
    table: TableThere
    key: str
    by: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What the columns of a history table mean.

    `table` is the name that its rows get. `identity` tells the rows of the history apart; where it is empty, all that
    a row says does. `order` are the columns by which it is read. `author` are columns, of which the first that has a
    value counts. `fields` are columns by the names of fields, `said` those of what is kept besides. A column of a table
    beside is written `alias.column`, and a member of a JSON column `column->member`.
    """

    there: TableThere
    table: str
    key: tuple[str, ...]
    time: str
    author: tuple[str, ...] = ()
    message: str | None = None
    operation: str | None = None
    deletions: frozenset[str] = DELETIONS
    mark: str | None = None
    identity: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    fields: dict[str, str] = {}
    said: dict[str, str] = {}
    differs: bool = False
    beside: tuple[Beside, ...] = ()

    def named(self) -> list[str]:
        """All columns that are read, each once."""
        single = filter(None, [self.time, self.message, self.operation, self.mark])
        every = [*self.key, *self.identity, *single, *self.author, *self.fields.values(), *self.said.values()]
        return list(dict.fromkeys(every))

    def place(self, name: str) -> tuple[str, str, str]:
        """The alias of a table, empty for the history itself; its column; and the member of that, if one is meant.

        Raises `LookupError` for a column that is not there.
        """
        if name in self.there.columns:
            return "", name, ""
        column, _, member = name.partition("->")
        if column in self.there.columns:
            return "", column, member
        alias, _, column = column.partition(".")
        if any(each.alias == alias and column in each.table.columns for each in self.beside):
            return alias, column, member
        raise LookupError(f"there is no column {name!r}; it has {', '.join(self.there.columns)}")

    def column(self, name: str) -> Column:
        """A column of the history table, or of one beside it."""
        alias, column, member = self.place(name)
        if member:
            return Column(name)
        table = next((each.table for each in self.beside if each.alias == alias), self.there)
        return table.columns[column]


def changes(source: Source, plan: Plan, zone: tzinfo) -> Iterator[Found]:
    """The changes that a history table has, in its order; a row that cannot be understood is a reject."""
    names = plan.named()
    reader = _Reader(plan, {name: at for at, name in enumerate(names)}, zone)
    for row in source.stream(_select(source, plan, names)):
        yield reader.found(row)


def _select(source: Source, plan: Plan, names: Sequence[str]) -> Select[Any]:
    """The question to the database: values come as the driver has them, so that a wrong one stops no other."""
    sql = alchemy()
    tables: dict[str, Any] = {"": _table(source, plan.there)}
    joined: FromClause = tables[""]

    def element(name: str) -> ColumnElement[Any]:
        alias, column, member = plan.place(name)
        found: ColumnElement[Any] = tables[alias].c[column]
        return found.op("->>")(member) if member else found

    for each in plan.beside:
        other = tables[each.alias] = _table(source, each.table).alias(each.alias)
        key, by = other.c[each.key], element(each.by)
        if plan.column(each.by) != each.table.columns[each.key]:
            key, by = sql.cast(key, sql.String), sql.cast(by, sql.String)
        joined = joined.outerjoin(other, key == by)

    def raw(name: str) -> ColumnElement[Any]:
        kind, found = plan.column(name).kind, element(name)
        if source.dialect == "postgresql" and kind == "json":
            found = sql.cast(found, sql.Text)
        elif source.dialect == "postgresql" and kind in ("datetime", "date"):
            found = sql.func.to_json(found).op("#>>")(
                sql.text("'{}'")
            )  # infinity, too, for which Python has no date
        return sql.type_coerce(found, sql.types.NullType())  # type: ignore[no-any-return]

    return sql.select(*map(raw, names)).select_from(joined).order_by(*map(element, plan.order))  # type: ignore[no-any-return]


def _table(source: Source, there: TableThere) -> Any:
    sql = alchemy()
    return sql.table(there.name, *map(sql.column, there.columns), schema=source.schema)


def _is_deletion(operation: str, deletions: frozenset[str]) -> bool:
    """Whether an operation is one of these, or ends with one as a word: `book.removed`."""
    return operation in deletions or re.split(r"[\W_]", operation)[-1] in deletions


class _Reader:
    """Makes a change of each row."""

    def __init__(self, plan: Plan, places: Mapping[str, int], zone: tzinfo) -> None:
        self._plan = plan
        self._at = places
        self._zone = zone
        self._kinds = {name: plan.column(name) for name in places}

    def found(self, row: Sequence[Any]) -> Found:
        plan = self._plan
        place = self._place(row)
        try:
            operation = None if plan.operation is None else row[self._at[plan.operation]]
            deleted = _is_deletion(str(operation).lower(), plan.deletions) or (
                plan.mark is not None and is_true(row[self._at[plan.mark]])
            )
            fields = {name: self._value(row, column) for name, column in plan.fields.items()}
            said = {name: self._value(row, column) for name, column in plan.said.items()}
            return Change(
                place,
                plan.table,
                key_of([self._value(row, name) for name in plan.key]),
                self._time(row),
                tuple(self._value(row, name) for name in plan.identity or self._at),
                {name: value for name, value in fields.items() if value is not None}
                if plan.differs
                else fields,
                deleted,
                plan.differs,
                next(filter(None, (self._text(row, name) for name in plan.author)), ""),
                "" if plan.message is None else self._text(row, plan.message),
                {name: value for name, value in said.items() if value is not None},
            )
        except MALFORMED as wrong:
            return place.refused(wrong)

    def _value(self, row: Sequence[Any], name: str) -> Any:
        column = self._kinds[name]
        try:
            return plain(row[self._at[name]], column.kind, column.scale)
        except MALFORMED as wrong:
            raise ValueError(f"column {name!r}: {wrong}") from wrong

    def _time(self, row: Sequence[Any]) -> datetime:
        try:
            return moment(row[self._at[self._plan.time]], self._zone)
        except MALFORMED as wrong:
            raise ValueError(f"column {self._plan.time!r}: {wrong}") from wrong

    def _text(self, row: Sequence[Any], name: str) -> str:
        value = row[self._at[name]]
        return "" if value is None else str(value)

    def _place(self, row: Sequence[Any]) -> Place:
        plan = self._plan
        named = tuple((name, row[self._at[name]]) for name in dict.fromkeys((*plan.key, *plan.identity)))
        raw = {name: row[at] for name, at in self._at.items()}
        return Place(plan.there.name, 0, named, msgspec.json.encode(raw, enc_hook=str))
