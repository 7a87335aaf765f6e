"""Tables of rows: those that the application's code names, as `db.table(Customer)`, and those that a store has.

A name is believed where it is a constant, and a class where it is one of rows. Tables of another database whose rows
are captured are known by the `Capture` that a module of the application holds.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from inspect import getattr_static
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from backstory.errors import DefinitionError
from backstory.model import fields
from backstory.model.elements import Event, Field, Observed, Place, RowTable
from backstory.model.sources import File, Sources, application_files, module_of, names_of
from backstory.model.uses import Meaning, meant
from backstory.rows.change import change, change_all
from backstory.rows.kinds import NAME, row_event, table_of, tables_of, types_of
from backstory.rows.shape import Typed, name_of
from backstory.values.event_types import EventType
from backstory.values.fields import hints

if TYPE_CHECKING:
    from backstory.capture.described import Captured

OPTIONS = frozenset(("name", "key", "unique"))
"""What `db.table` is told beside the name or the class."""


def row_tables(module: str, sources: Sources, events: Iterable[EventType]) -> list[RowTable]:
    """The tables that the code of an application names. `events` are those that its parts take, of rows too."""
    found: dict[str, RowTable] = {}
    for path in application_files(module):
        file = sources.file(path)
        meaning = names_of(file, module_of(path, module))
        for node in file.nodes:
            if isinstance(node, ast.Call) and (one := _named(node, file, meaning, sources)) is not None:
                found[one.name] = _both(found.get(one.name), one)
    for captured in _captured(module):
        found[captured.history] = _both(found.get(captured.history), _recorded(captured))
    for kind in events:
        if (name := table_of(kind.name)) is not None:
            found.setdefault(name, bare(name))
    return [found[name] for name in sorted(found)]


def stored_tables(known: Iterable[RowTable], observed: Observed | None) -> list[RowTable]:
    """The tables that a store has and nobody here names."""
    stored = tables_of(() if observed is None else (each.type for each in observed.types))
    names = {one.name for one in known}
    return [bare(name) for name in stored if name not in names]


def row_events(tables: Iterable[RowTable]) -> Iterator[Event]:
    """The events of the rows of these tables, each given and read by its table."""
    for one in tables:
        for kind in filter(None, map(row_event, types_of(one.name))):
            yield Event(
                id=f"event:{kind.name}",
                name=kind.name,
                class_name=kind.cls.__name__,
                module=kind.cls.__module__,
                doc=fields.own_doc(kind.cls),
                place=None,
                version=kind.version,
                fields=fields.event_fields(kind),
                upcasters=[],
                given_by=[one.id],
                read_by=[one.id],
            )


def bare(name: str) -> RowTable:
    """A table of which only the name is known."""
    return RowTable(
        id=f"table:{name}",
        name=name,
        class_name="",
        module="",
        doc="",
        place=None,
        key=None,
        unique=[],
        fields=[],
        events=[f"event:{type}" for type in types_of(name)],
        commands=[change.name, change_all.name],
        captured=None,
    )


def _named(node: ast.Call, file: File, meaning: Meaning, sources: Sources) -> RowTable | None:
    """The table that a call of `db.table` names; None for any other call."""
    options = {each.arg: each.value for each in node.keywords if each.arg is not None}
    if not isinstance(node.func, ast.Attribute) or node.func.attr != "table" or len(node.args) != 1:
        return None
    if set(options) - OPTIONS or not _may_be_database(node.func.value, meaning, file):
        return None
    what = _said(node.args[0], meaning)
    name, key = (_said(options[each], meaning) if each in options else None for each in ("name", "key"))
    unique = _unique(options.get("unique"), meaning)
    place = sources.at(file.path, node.lineno)
    if isinstance(what, str):
        return replace(bare(what), place=place, key=key, unique=unique) if NAME.fullmatch(what) else None
    if not isinstance(what, type) or ("name" in options and not isinstance(name, str)):
        return None
    try:
        return _typed(what, name or name_of(what), key, unique, place)
    except DefinitionError:
        return None


def _typed(cls: type[Any], name: str, key: str | None, unique: list[str], place: Place | None) -> RowTable:
    shape = Typed(name, cls, key)
    required = fields.parts(cls)
    columns = [
        Field(shape.column(each), fields.spelled(hint), required.get(each, False))
        for each, hint in (hints(cls) or {}).items()
        if shape.column(each) in shape.names
    ]
    return replace(
        bare(name),
        class_name=cls.__qualname__,
        module=cls.__module__,
        doc=fields.own_doc(cls),
        place=place,
        key=shape.key,
        unique=list(shape.unique(unique)),
        fields=columns,
    )


def _said(node: ast.AST, meaning: Meaning) -> Any:
    return node.value if isinstance(node, ast.Constant) else meant(node, meaning)


def _unique(node: ast.AST | None, meaning: Meaning) -> list[str]:
    parts = node.elts if isinstance(node, ast.List | ast.Tuple | ast.Set) else [] if node is None else [node]
    return [said for said in (_said(each, meaning) for each in parts) if isinstance(said, str)]


def _may_be_database(node: ast.AST, meaning: Meaning, file: File) -> bool:
    """Whether `table` is called on a database, or on something unknown in a file that uses Backstory."""
    held = meant(node, meaning)
    if held is not None:
        return type(held).__module__.startswith("backstory.")
    return any(
        (isinstance(each, ast.ImportFrom) and (each.module or "").partition(".")[0] == "backstory")
        or (
            isinstance(each, ast.Import)
            and any(part.name.partition(".")[0] == "backstory" for part in each.names)
        )
        for each in file.nodes
    )


def _both(known: RowTable | None, one: RowTable) -> RowTable:
    """A table that is named in two places: the one that knows its fields, and the unique fields of both."""
    if known is None:
        return one
    first, second = (one, known) if one.fields and not known.fields else (known, one)
    return replace(
        first, key=first.key or second.key, unique=list(dict.fromkeys([*known.unique, *one.unique]))
    )


def _captured(module: str) -> Iterator[Captured]:
    """The tables that the captures in the application's modules are of."""
    if "backstory.capture.capture" not in sys.modules:
        return
    from backstory.capture.capture import Capture

    top = module.partition(".")[0]
    held = [vars(each) for name, each in list(sys.modules.items()) if name.partition(".")[0] == top]
    for thing in (thing for names in held for thing in names.values()):
        capture = thing if isinstance(thing, Capture) else getattr_static(thing, "capture", None)
        if isinstance(capture, Capture):
            yield from (table for table in capture.tables if not table.part)


def _recorded(captured: Captured) -> RowTable:
    columns = [Field(each.field, each.kind or "text or number") for each in captured.columns]
    return replace(
        bare(captured.history),
        key=", ".join(captured.key),
        fields=columns,
        commands=[],
        captured=captured.name,
    )
