"""The classes of each table: its events, the state of a row, and who holds a unique value.

They are made when the table is first named, or when one of its events is read, and are the same from then on.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from types import FunctionType, new_class
from typing import Annotated, Any, ClassVar, cast

import msgspec

from backstory.decide import state as states
from backstory.decide.state import State
from backstory.errors import DefinitionError, RevertError, UnreadableEvent
from backstory.forks import on_fork
from backstory.history.merge.revert import undone_on
from backstory.rows.events import Fields, RowChanged, RowDeleted, RowEvent, RowInserted, after
from backstory.told import pasted
from backstory.values import event as events
from backstory.values.event import Unknown
from backstory.values.event_types import EventType, event_type
from backstory.values.fields import Tagged
from backstory.values.masking import own_repr
from backstory.values.veil import members

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")
BASES = (RowInserted, RowChanged, RowDeleted)
SUFFIXES = tuple(base.__name__ for base in BASES)
DELETED = RowDeleted.__name__


class Row(State):
    """A row of a table, as its events leave it: `row` has its fields, and is None while there is no such row.

    Where the data of one of its events were withheld, nobody knows which fields it has. Then `withheld` is true, until
    the row is deleted or written whole, and `row` has those fields alone that later events gave it.
    """

    table: ClassVar[str] = ""
    inside: ClassVar[str] = "row"
    takes_withheld: ClassVar[bool] = True
    key: str
    withheld: bool | msgspec.UnsetType = msgspec.UNSET
    row: Fields | None = None

    def __repr__(self) -> str:
        """As one would write it, without what is not there."""
        parts = ", ".join(f"{name}={part!r}" for name, _, part in members(self) or ())
        return own_repr(self, lambda: f"{type(self).__name__}({parts})")


def known(row: Row) -> Fields | None:
    """The fields of a row. Raises `UnreadableEvent` where nobody knows all of them."""
    if row.withheld:
        since = ", ".join(sorted(row.row or ())) or "nothing"
        raise UnreadableEvent(
            f"{row.table}: the data of an event of {row.key} are withheld, so not all of its fields are known;"
            f" known by later events: {since}. {pasted('log', '--tag', f'{row.table}:{row.key}')} shows the event."
            " The row can be deleted, or written whole"
        )
    return row.row


class Holder(State):
    """The key of the row that has a unique value, None if no row has it."""

    takes_withheld: ClassVar[bool] = True
    value: str
    key: str | None = None


class Kind(msgspec.Struct, frozen=True):
    """The classes of one table."""

    name: str
    inserted: type[RowInserted]
    changed: type[RowChanged]
    deleted: type[RowDeleted]
    row: type[Row]
    holder: type[Holder]

    @property
    def events(self) -> dict[str, type[Any]]:
        """Its events by their types."""
        every = (self.inserted, self.changed, self.deleted)
        return dict(zip(types_of(self.name), every, strict=True))


def kind(table: str) -> Kind:
    """The classes of a table. Raises `DefinitionError` for a name that no table can have."""
    if (known := _kinds.get(table)) is not None:
        return known
    if not isinstance(table, str) or not NAME.fullmatch(table):
        raise DefinitionError(
            f"a table's name is at most 40 letters, digits and _, and begins with no digit: {table!r} cannot be one"
        )
    with _lock:
        return _kinds.get(table) or _kinds.setdefault(table, _made(table))


def table_of(type: str) -> str | None:
    """The table whose events have this type; None if it is no type of a row."""
    table, _, suffix = type.rpartition(".")
    return table if suffix in SUFFIXES and NAME.fullmatch(table) else None


def tables_of(types: Iterable[str]) -> list[str]:
    """The tables that have rows among events of these types, by their names."""
    return sorted({name for type in types if (name := table_of(type)) is not None})


def key_in(table: str, tags: Iterable[str]) -> str:
    """The key of the row that an event with these tags is about."""
    prefix = f"{table}:"
    return next(tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix))


def _event_class(type: str) -> type[Any] | None:
    """The class of a stored event of a row, whose table nobody has named here."""
    table = table_of(type)
    return None if table is None else kind(table).events.get(type)


def _row_class(type: str) -> type[Any] | None:
    """The state of the rows whose events have this type."""
    table = table_of(type)
    return None if table is None else kind(table).row


def row_event(type: str) -> EventType | None:
    """The compiled class of the events of rows that have this type; None for any other type."""
    cls = _event_class(type)
    return None if cls is None else event_type(cls)


def types_of(table: str) -> list[str]:
    """The types of the events of a table."""
    return [f"{table}.{suffix}" for suffix in SUFFIXES]


_kinds: dict[str, Kind] = {}
_lock = threading.Lock()


def _begin() -> None:
    """Begin anew in a child: another thread may have held the lock when its parent forked."""
    global _lock  # noqa: PLW0603 - there is one kind of each table in a process
    _lock = threading.Lock()


on_fork(child=_begin)
events.families.append(_event_class)
states.families.append(_row_class)


def _made(table: str) -> Kind:
    unique = f"{table}.unique"
    tags = {
        "key": Annotated[str, Tagged(table)],
        "takes": Annotated[tuple[str, ...], Tagged(unique)],
        "frees": Annotated[tuple[str, ...], Tagged(unique)],
    }

    def event(base: Any) -> Any:
        def body(namespace: dict[str, Any]) -> None:
            own = {"takes": (), "frees": ()}
            namespace.update(__module__=__name__, __doc__=base.__doc__, __annotations__=tags, **own)

        config = {"name": f"{table}.{base.__name__}", "kw_only": True, "omit_defaults": True}
        return new_class(base.__name__, (base,), config, body)

    inserted, changed, deleted = map(event, BASES)
    taken = inserted | changed | deleted

    def state(name: str, base: type[State], field: str, tag: str, apply: FunctionType, **own: Any) -> Any:
        def body(namespace: dict[str, Any]) -> None:
            function = FunctionType(apply.__code__, apply.__globals__, "apply")
            function.__annotations__ = {"event": taken, "return": None}
            annotations = {field: Annotated[str, Tagged(tag)]}
            namespace.update(__module__=__name__, __doc__=base.__doc__, __annotations__=annotations)
            namespace.update(apply=function, __qualname__=name, **own)

        return new_class(name, (base,), {}, body)

    made = Kind(
        table,
        inserted,
        changed,
        deleted,
        state(table, Row, "key", table, cast("FunctionType", _row_after), table=table),
        state(f"{table}.unique", Holder, "value", unique, cast("FunctionType", _held_after)),
    )
    for cls in (inserted, changed, deleted):
        undone_on(cls, made.row, lambda happened, before: _undone(made, happened, before))
    return made


def _row_after(self: Row, event: RowEvent | Unknown) -> None:
    if isinstance(event, Unknown):
        self.row, self.withheld = (None, msgspec.UNSET) if event.type.endswith(DELETED) else ({}, True)
        return
    self.row = after(event, self.row)
    if not isinstance(event, RowChanged):
        self.withheld = msgspec.UNSET


def _held_after(self: Holder, event: RowEvent | Unknown) -> None:
    if isinstance(event, Unknown):  # its tags have the key, and the values that it took or freed
        table, _, suffix = event.type.rpartition(".")
        key = key_in(table, event.tags)
        self.key = None if suffix == DELETED or self.key == key else key
    elif self.value in event.takes:
        self.key = event.key
    elif self.key == event.key:
        self.key = None


def _undone(made: Kind, happened: RowEvent, before: Row) -> RowEvent:
    """The event that undoes one, on the row as it was before."""
    turned: dict[str, Any] = {"key": happened.key, "takes": happened.frees, "frees": happened.takes}
    if isinstance(happened, RowInserted):
        return made.deleted(row=happened.row, **turned)
    if isinstance(happened, RowDeleted):
        return made.inserted(row=happened.row, **turned)
    assert isinstance(happened, RowChanged)
    fields = before.row or {}
    touched = [*happened.set, *happened.unset]
    if before.withheld and (lost := [name for name in touched if name not in fields]):
        raise RevertError(
            f"{made.name}: what {lost[0]} of {happened.key} was before is withheld, so nobody can give it back"
        )
    back = {name: fields[name] for name in touched if name in fields}
    return made.changed(set=back, unset=tuple(name for name in touched if name not in fields), **turned)
