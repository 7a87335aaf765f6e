"""A state class as a table: a row for each entity, with its state as JSON and a column for each plain field."""

from __future__ import annotations

import hashlib
import re
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

import msgspec

from backstory.decide.fingerprint import fingerprint
from backstory.decide.state import State, is_withheld, state_type
from backstory.errors import DefinitionError
from backstory.history.ask.entities import Identities, Key
from backstory.projections.coded import NESTED, WITHHELD, coded
from backstory.projections.names import LONGEST_NAME
from backstory.projections.projection import MANY, Projection
from backstory.store import Record
from backstory.values.event_types import EventType
from backstory.values.exact import alike, same
from backstory.values.fields import hints
from backstory.values.privacy import is_marked

if TYPE_CHECKING:
    from backstory.tables import Transaction

PLAIN: Mapping[type[Any], str] = {
    int: "NUMERIC",
    float: "DOUBLE PRECISION",
    bool: "BOOLEAN",
    str: 'TEXT COLLATE "C"',
}
"""Types of fields that SQL compares as Python does, with their type in PostgreSQL."""

RESERVED = frozenset(
    {"key", "state", "rowid", "oid", "_rowid_", "ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"}
)
"""Columns of the table itself, and those that each table of SQLite or PostgreSQL has."""

READ = {
    "sqlite": "SELECT key, state FROM {table} WHERE key IN (SELECT value FROM json_each(?))",
    "postgresql": "SELECT key, state::text FROM {table} WHERE key IN (SELECT jsonb_array_elements_text(?))",
}
NAMED = re.compile(r'[^",\x00-\x1f\ud800-\udfff]+')
"""Names of fields of a plain row that may be columns."""

WRITE = {
    "sqlite": "INSERT INTO {table} (key, state{columns}) VALUES (?, ?{values})",
    "postgresql": "INSERT INTO {table} (key, state{columns})"
    " SELECT e->>0, e->{as_text}1{values} FROM jsonb_array_elements(?) e",
}
AGAIN = " ON CONFLICT (key) DO UPDATE SET state = excluded.state"


class Column(msgspec.Struct, frozen=True):
    """A field that is a column too."""

    name: str
    type: type[Any]
    optional: bool
    coded: bool = False
    """Whether it is of `State.inside`, and has its value as `coded` writes it: any value that JSON has."""


class Materialized(Projection, name="state"):
    """A projection that keeps each state of a class: `Materialized(Account, index=["balance"])`.

    Its table is `account_states`, with the columns `key`, `state` and the plain fields. Its version follows from the
    version of the state, its code and the index: a change of them makes a new table, beside the old one.
    """

    batch = MANY  # a state is written once for all of its events
    renews = True

    def __init__(self, state: type[State], index: Iterable[str | Sequence[str]] = ()) -> None:
        compiled = state_type(state)
        self.cls = cls = state
        self.takes_withheld = bool(cls.inside) and cls.takes_withheld
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
        self.table = f"{name}_states"  # no field of a state is called so
        self.name = self.group = self.table  # type: ignore[misc]
        own = ((each,) if isinstance(each, str) else tuple(each) for each in index)
        self.index = list(dict.fromkeys(names for names in own if names))
        self.columns = {column.name: column for column in _columns(cls, self.table)}
        if cls.inside:
            self.columns |= {column.name: column for column in _inside(cls, self)}
        self._coded = tuple(name for name, column in self.columns.items() if column.coded)
        self._write = {dialect: self._writing(dialect) for dialect in WRITE}
        self._identities = Identities(cls)
        if self._identities.any_partial:
            raise DefinitionError(
                f"{cls.__qualname__} applies events that lack a part of its identity, so one of them changes many rows;"
                " find() folds it without a table, or write a Projection for it"
            )
        for field in (field for names in self.index for field in names if field not in self.columns):
            known = ", ".join(self.columns)
            raise DefinitionError(f"{cls.__qualname__} has no plain field {field!r} to index; it has {known}")
        self._compiled = compiled
        self._decode = msgspec.json.Decoder(cls).decode

    def event_types(self) -> tuple[EventType, ...]:
        """The events that the state applies."""
        return tuple(self._compiled.events.values())

    def versioned(self) -> str:
        """The version of the state, and a text that changes with its code, its fields and the index: `1_ab12cd34`.

        It is asked for when the tables are, and not before: a module may define what the state uses further below.
        """
        parts = [self.code(), self.cls.__struct_fields__, self.schema("sqlite"), self.schema("postgresql")]
        return f"{self.cls.version}_{hashlib.sha256(repr(parts).encode()).hexdigest()[:8]}"

    def is_same(self, other: Projection) -> bool:
        """Whether it keeps the same class."""
        return isinstance(other, Materialized) and self.cls is other.cls

    def check(self) -> None:
        """See `Projection.check`."""
        state_type(self.cls)

    def code(self) -> str | None:
        """The fingerprint of the state."""
        return fingerprint(self.cls)

    def schema(self, dialect: str) -> str:
        """The table, with a generated column for each plain field."""
        sqlite = dialect == "sqlite"
        lines = [
            f"key {'TEXT' if sqlite else PLAIN[str]} PRIMARY KEY",
            f"state {'TEXT' if sqlite or self._coded else 'JSONB'} NOT NULL",  # JSONB has no NUL
        ]
        for column in self.columns.values():
            if column.coded:
                lines.append(f'"{column.name}" {"TEXT" if sqlite else PLAIN[str]}')
                continue
            value = f"json_extract(state, '$.{column.name}')"
            stored = "VIRTUAL"
            if not sqlite:
                kind = PLAIN[column.type]
                value, stored = f"((state->>'{column.name}')::{kind.partition(' COLLATE')[0]})", "STORED"
                lines.append(f'"{column.name}" {kind} GENERATED ALWAYS AS {value} {stored}')
            else:
                lines.append(f'"{column.name}" GENERATED ALWAYS AS ({value}) {stored}')
        made = [f"CREATE TABLE {self.table} (\n    " + ",\n    ".join(lines) + "\n)"]
        for names in self.index:
            called = f"{self.table}_by_{','.join(names)}"  # no field has a comma in its name
            columns = ", ".join(f'"{name}"' for name in names)
            made.append(f'CREATE INDEX "{called}" ON {self.table} ({columns}, key)')
        if self.takes_withheld:
            of_these = f"WHERE \"{self.cls.inside}\" = '{WITHHELD}'"
            made.append(f'CREATE INDEX "{self.table}_,withheld" ON {self.table} (key) {of_these}')
        return ";\n".join(made)

    def apply_many(self, events: Sequence[tuple[Any, Record]], tx: Transaction) -> None:
        """Read the states that a batch concerns, apply its events, and write them back."""
        keys = [(record, self._identities.keys(record.stored)) for _, record in events]
        names = sorted({name(key) for _, own in keys for key in own})
        decode = self._decode
        sql = READ[tx.dialect].format(table=self.table)
        states: dict[str, Any] = {key: decode(state) for key, state in tx.rows(sql, (names,))}
        wants_record = self._compiled.wants_record
        for (event, record), (_, own) in zip(events, keys, strict=True):
            for key in own:
                state = states.get(called := name(key))
                if state is None:
                    reference = self._identities.reference(key)
                    if reference is None:
                        continue
                    state = states[called] = self._compiled.copy(reference)
                if wants_record:
                    state.apply(event, record)
                else:
                    state.apply(event)
        rows = [(key, self._written(state), self._codes(state)) for key, state in states.items()]
        write = self._write[tx.dialect]
        if tx.dialect == "sqlite":
            tx.executemany(write, [(key, state.decode(), *codes) for key, state, codes in rows])
        elif rows:
            made: Callable[[bytes], Any] = bytes.decode if self._coded else msgspec.Raw
            tx.execute(write, ([(key, made(state), *codes) for key, state, codes in rows],))

    def _writing(self, dialect: str) -> str:
        """The statement that writes a row, also over the one that is there."""
        names = [f'"{name}"' for name in self._coded]
        values = ["?" if dialect == "sqlite" else f"e->>{2 + at}" for at in range(len(names))]
        again = "".join(f", {name} = excluded.{name}" for name in names)
        columns, given = ("".join(f", {each}" for each in some) for some in (names, values))
        as_text = ">" if self._coded else ""
        write = WRITE[dialect].format(table=self.table, columns=columns, values=given, as_text=as_text)
        return write + AGAIN + again

    def _codes(self, state: State) -> list[str | None]:
        """The values of the coded columns. That of `State.inside` itself says only whether it is there, and known."""
        inside = getattr(state, self.cls.inside) if self._coded else None
        if inside is None:
            return [None] * len(self._coded)
        there = WITHHELD if is_withheld(state) else NESTED
        return [there if name == self.cls.inside else coded(inside.get(name)) for name in self._coded]

    def _written(self, state: State) -> bytes:
        """The JSON of a state. Raises `DefinitionError` if JSON does not give back the same state."""
        json = msgspec.json.encode(state)
        read = self._decode(json)
        if not (alike(read, state) or same(read, state)):
            raise DefinitionError(
                f"JSON does not give back the same {self.cls.__qualname__}, so no table can keep it"
            )
        return json

    def decoded(self, state: Any) -> State:
        """The state of a row: text in SQLite, and plain values in PostgreSQL."""
        return self._decode(state if isinstance(state, (str, bytes)) else msgspec.json.encode(state))


def name(key: Key) -> str:
    """The text of an identity, as the table has it."""
    return key[0] if len(key) == 1 else msgspec.json.encode(key).decode()


def _columns(cls: type[State], table: str) -> Iterable[Column]:
    """The fields that SQL compares as Python does. Values that are marked as personal or secret are no columns.

    Nor are those whose name no column can have in one of the databases: SQLite takes names that differ in case for one.
    """
    taken: set[str] = {*RESERVED}
    for field, annotation in (hints(cls) or {}).items():
        lower = field.lower()
        if field not in cls.__struct_fields__ or is_marked(annotation):
            continue
        if lower in taken or lower.startswith(table) or len(field.encode()) > LONGEST_NAME:
            continue
        bare = (
            getattr(annotation, "__origin__", annotation)
            if hasattr(annotation, "__metadata__")
            else annotation
        )
        parts = get_args(bare) if get_origin(bare) in (Union, types.UnionType) else (bare,)
        kinds = [part for part in parts if part is not types.NoneType]
        if len(kinds) == 1 and kinds[0] in PLAIN:
            taken.add(lower)
            yield Column(field, kinds[0], optional=len(kinds) < len(parts))


def _inside(cls: type[State], kept: Materialized) -> Iterable[Column]:
    """The fields of `State.inside` that the index names, and that field itself, which says whether there is any."""
    taken = {*RESERVED, *map(str.lower, kept.columns)}
    for name in dict.fromkeys([cls.inside, *(name for names in kept.index for name in names)]):
        if name in kept.columns:
            continue
        lower = name.lower()
        if (
            lower in taken
            or lower.startswith(kept.table)
            or not NAMED.fullmatch(name)
            or len(name.encode()) > LONGEST_NAME
        ):
            raise DefinitionError(
                f"{cls.__qualname__}: a table cannot have a column {name!r}: another one has the name, or it is"
                " too long, or has a character that no name of a column has"
            )
        taken.add(lower)
        yield Column(name, object, optional=True, coded=True)
