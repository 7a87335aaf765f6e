"""The changes that the rows of a history table are, by its plan."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

import msgspec

from backstory.errors import DefinitionError
from backstory.rows.events import Fields
from backstory.rows.forms import formed
from backstory.rows.kinds import kind
from backstory.rows.texts import value_of
from backstory.transfer.formats.audit.changes import Change, Found, Place, whole_key
from backstory.transfer.formats.audit.database import Source, TableThere, alchemy
from backstory.transfer.formats.audit.plans import Plan
from backstory.transfer.formats.audit.values import is_true, moment
from backstory.transfer.source import MALFORMED

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, FromClause, Select


def changes(source: Source, plan: Plan, zone: tzinfo) -> Iterator[Found]:
    """The changes that a history table has, in its order; a row that cannot be understood is a reject."""
    names = plan.named()
    reader = _Reader(plan, {name: at for at, name in enumerate(names)}, zone)
    for rows in source.stream(_select(source, plan, names)):
        if plan.lists:
            at = names.index(plan.identity[0])
            reader.lists = _lists(source, plan, [row[at] for row in rows])
        yield from map(reader.found, rows)


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
        if plan.column(each.by).kind != each.table.columns[each.key].kind:
            key, by = sql.cast(key, sql.String), sql.cast(by, sql.String)
        joined = joined.outerjoin(other, key == by)

    def raw(name: str) -> ColumnElement[Any]:
        column, found = plan.column(name), element(name)
        if source.dialect != "postgresql":
            pass
        elif column.many and column.kind in ("duration", "text", "datetime", "instant", "date"):
            found = sql.cast(found, sql.types.ARRAY(sql.Text))
        elif column.kind in ("json", "duration", "text") and not column.many:
            found = sql.cast(found, sql.Text)
        elif column.kind in ("datetime", "instant", "date"):
            found = sql.func.to_json(found)  # infinity, too, for which Python has no date
            found = found.op("#>>")(sql.text("'{}'"))
        return sql.type_coerce(found, sql.types.NullType())  # type: ignore[no-any-return]

    return sql.select(*map(raw, names)).select_from(joined).order_by(*map(element, plan.order))  # type: ignore[no-any-return]


def _table(source: Source, there: TableThere) -> Any:
    sql = alchemy()
    return sql.table(there.name, *map(sql.column, there.columns), schema=source.schema)


def _lists(source: Source, plan: Plan, identities: Sequence[Any]) -> dict[str, dict[Any, list[Any]]]:
    """The values of each field that is a list, by the identities of the history's rows."""
    sql = alchemy()
    found: dict[str, dict[Any, list[Any]]] = {}
    for each in plan.lists:
        table = _table(source, each.table)
        by, value = table.c[each.by], table.c[each.value]
        values = found[each.field] = {identity: [] for identity in identities}
        for rows in source.stream(sql.select(by, value).where(by.in_(identities)).order_by(by, value)):
            for identity, one in rows:
                values[identity].append(formed(one))
    return found


def _is_deletion(operation: Any, deletions: frozenset[str]) -> bool:
    """Whether an operation is one of these, or ends with one as a word: `book.removed`."""
    text = str(operation).lower()
    return text in deletions or re.split(r"[\W_]", text)[-1] in deletions


class _Reader:
    """Makes a change of each row. `lists` are the values of the fields that are lists."""

    def __init__(self, plan: Plan, places: Mapping[str, int], zone: tzinfo) -> None:
        self.lists: dict[str, dict[Any, list[Any]]] = {}
        self._plan = plan
        self._at = places
        self._zone = zone
        self._kinds = {name: plan.column(name) for name in places}

    def found(self, row: Sequence[Any]) -> Found:
        """The change of a row, or its reject."""
        plan = self._plan
        try:
            said = {name: self._value(row, column) for name, column in plan.said.items()}
            return Change(
                self._place(row),
                self._table(row),
                whole_key([self._value(row, name) for name in plan.key]),
                self._time(row),
                tuple(self._value(row, name) for name in plan.identity or self._at),
                self._fields(row),
                self._is_deleted(row),
                plan.differs,
                next(filter(None, (self._text(row, name) for name in plan.author)), ""),
                "" if plan.message is None else self._text(row, plan.message),
                {name: value for name, value in said.items() if value is not None},
            )
        except MALFORMED as wrong:
            return self._place(row, self._raw(row)).refused(wrong)

    def _table(self, row: Sequence[Any]) -> str:
        """The name of the row's table. Raises `ValueError` for one that no table can have."""
        plan = self._plan
        if plan.named_by is None:
            return plan.table
        name = str(row[self._at[plan.named_by]] or "")
        try:
            return kind(plan.renamed.get(name) or name).name
        except DefinitionError as wrong:
            raise ValueError(f"column {plan.named_by!r}: {wrong}") from None

    def _is_deleted(self, row: Sequence[Any]) -> bool:
        operation, mark = self._plan.operation, self._plan.mark
        if operation is not None and _is_deletion(row[self._at[operation]], self._plan.deletions):
            return True
        return mark is not None and is_true(row[self._at[mark]])

    def _fields(self, row: Sequence[Any]) -> Fields:
        plan = self._plan
        if plan.pair is not None:
            name, value = plan.pair
            field = row[self._at[name]]
            if field not in (None, ""):
                return {str(field): self._value(row, value)}
            if self._is_deleted(row):
                return {}
            raise ValueError(f"column {name!r}: it names no field")
        fields = {name: self._value(row, column) for name, column in plan.fields.items()}
        if plan.data is not None:
            return fields | self._data(row, plan.data)
        if plan.differs:
            return {name: value for name, value in fields.items() if value is not None}
        return fields | {
            field: values[row[self._at[plan.identity[0]]]] for field, values in self.lists.items()
        }

    def _data(self, row: Sequence[Any], name: str) -> Fields:
        found = row[self._at[name]]
        try:
            found = msgspec.json.decode(found) if isinstance(found, str) else found
        except MALFORMED as wrong:
            raise ValueError(f"column {name!r}: {wrong}") from wrong
        found = formed(found, "json")
        if found is not None and not isinstance(found, dict):
            raise ValueError(f"column {name!r}: it has no fields, but {str(found)[:80]!r}")
        return found or {}

    def _value(self, row: Sequence[Any], name: str) -> Any:
        column, value = self._kinds[name], row[self._at[name]]
        if column.kind == "json" and isinstance(value, str):
            value = value_of(value)
        return formed(value, column.kind, column.scale)

    def _time(self, row: Sequence[Any]) -> datetime:
        try:
            return moment(row[self._at[self._plan.time]], self._zone)
        except MALFORMED as wrong:
            raise ValueError(f"column {self._plan.time!r}: {wrong}") from wrong

    def _text(self, row: Sequence[Any], name: str) -> str:
        value = row[self._at[name]]
        return "" if value is None else str(value)

    def _place(self, row: Sequence[Any], raw: bytes = b"") -> Place:
        plan = self._plan
        named = tuple((name, row[self._at[name]]) for name in dict.fromkeys((*plan.key, *plan.identity)))
        return Place(plan.there.name, 0, named, raw)

    def _raw(self, row: Sequence[Any]) -> bytes:
        """All that a row says, for its reject."""
        said = {name: row[at] for name, at in self._at.items()}
        try:
            return msgspec.json.encode(said, enc_hook=str)
        except (UnicodeEncodeError, ValueError):
            return repr(said).encode(errors="replace")
