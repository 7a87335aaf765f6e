"""`Projection`, which people write, and groups of projections, compiled.

class Balances(Projection):
    tables = "CREATE TABLE balances (account TEXT PRIMARY KEY, cents BIGINT NOT NULL)"

    def apply(self, event: Deposited | Withdrawn, tx: Tx) -> None:
        cents = event.cents if isinstance(event, Deposited) else -event.cents
        tx.execute(
            "INSERT INTO balances VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET cents = balances.cents + ?",
            (event.account, cents, cents),
        )
"""

from __future__ import annotations

import hashlib
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, get_args, get_type_hints
from weakref import WeakKeyDictionary

from backstory.decide.fingerprint import code_of
from backstory.errors import DefinitionError
from backstory.projections.names import need_apart
from backstory.values.event import replaced
from backstory.values.event_types import EventType, event_type, need_current
from backstory.values.fields import unresolved

if TYPE_CHECKING:
    from backstory.store import Record

    Events: TypeAlias = Sequence[tuple[Any, Record]]

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
"""The names of projections and groups, which become parts of the names of files, schemas and tables."""


FEW, MANY = 1_000, 10_000
"""Events in one transaction: of code that is called for each; and of SQL that is run over all of them."""


class Projection:
    """The base class of projections: tables, and how each event changes them.

    The events follow from the annotation of `apply`, as those of a State do. `apply(self, event, tx)` changes the
    tables by one event; `apply(self, event, tx, record)` also gets the `Record` with its position and time. In place of
    it, `apply_many(self, events, tx)` gets all events of a batch, each with its record; or `sql`, a text for each
    dialect, is run once for each batch over a table `events` (position, type, version, data, time, author, authored)
    of that batch.

    `tables` is the SQL that makes the tables: one text, or one for each dialect (`sqlite`, `postgresql`). It names no
    schema. Parameters of the class:

    - `name`: the class's own name, `OpenOrders` as `open_orders`, unless given; says for ever which tables these are.
    - `version` goes up when the tables or the meaning of `apply` change. Each version has tables of its own.
    - `group`: projections of one group share tables, checkpoint and transactions: their rows are of one moment.
    - `partition`: the field of the events which says what must stay in order. `on_error="park"` needs it.
    - `on_error`: `stop` stops at an event that cannot be applied. `park` keeps this event and all later ones with the
      same value in `partition` back, until somebody retries or skips them, and goes on with the others.

    - `into`: another database than the log's, which has the tables and their checkpoint; see
      `backstory.projections.elsewhere`. Such a projection is not inline.

    `batch` is how many events are applied in one transaction: 1,000, or 10,000 for `sql`, unless the class says
    another number.

    `apply` must depend on nothing but the event, its record and the tables, and do nothing but change the tables.
    """

    name: ClassVar[str] = ""
    version: ClassVar[int] = 1
    group: ClassVar[str] = ""
    partition: ClassVar[str | None] = None
    on_error: ClassVar[str] = "stop"
    tables: ClassVar[str | Mapping[str, str]] = ""
    sql: ClassVar[Mapping[str, str]] = {}
    events: ClassVar[Sequence[type[Any]]] = ()
    batch: ClassVar[int] = 0
    renews: ClassVar[bool] = False
    """Whether its version follows from its code, so that nobody goes back to the tables of another one."""
    into: ClassVar[Any] = None
    takes_withheld: bool = False
    """Whether it takes an event of a row whose data are withheld, as `Unknown`."""

    def __init_subclass__(
        cls,
        *,
        name: str | None = None,
        version: int = 1,
        group: str | None = None,
        partition: str | None = None,
        on_error: str = "stop",
        into: Any = None,
    ) -> None:
        super().__init_subclass__()
        cls.into = into
        cls.name = name or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
        cls.version, cls.group = version, group or cls.name
        cls.partition, cls.on_error = partition, on_error
        for text in (cls.name, cls.group):
            if not NAME.fullmatch(text):
                raise DefinitionError(
                    f"{cls.__qualname__}: {text!r} cannot be a name; take one like {NAME.pattern}"
                )
        if version < 1:
            raise DefinitionError(f"{cls.__qualname__}: a version counts from 1, not {version}")
        if on_error not in ("stop", "park"):
            raise DefinitionError(f"{cls.__qualname__}: on_error is 'stop' or 'park', not {on_error!r}")
        if on_error == "park" and partition is None:
            raise DefinitionError(
                f"{cls.__qualname__}: on_error='park' needs partition=, the field of the events which says what must"
                " stay in order"
            )
        if "event_types" in vars(cls):
            return
        # Events that are local to a function are known here, and later no more.
        with suppress(NameError):
            _compiled[cls] = _events(cls, sys._getframe(1).f_locals)

    def versioned(self) -> str:
        """The version of its tables: a part of their names."""
        return str(self.version)

    def is_same(self, other: Projection) -> bool:
        """Whether two objects mean the same projection."""
        return type(self) is type(other) and self.name == other.name

    def event_types(self) -> tuple[EventType, ...]:
        """The events that it takes. Raises `DefinitionError`."""
        cls = type(self)
        if cls not in _compiled:
            try:
                _compiled[cls] = _events(cls, None)
            except NameError as wrong:
                raise DefinitionError(f"{cls.__qualname__}: {unresolved(wrong)}") from wrong
        return _compiled[cls]

    def check(self) -> None:
        """Raise `DefinitionError` if its code takes an event class that was defined anew since."""
        if replaced and not self.sql:
            need_current(type(self).__qualname__, self.event_types())

    def schema(self, dialect: str) -> str:
        """The SQL that makes its tables. Raises `DefinitionError` if it has none for this dialect."""
        if isinstance(self.tables, str):
            return inspect.cleandoc(self.tables)
        if dialect not in self.tables:
            raise DefinitionError(f"{type(self).__qualname__}.tables has no text for {dialect}")
        return inspect.cleandoc(self.tables[dialect])

    def code(self) -> str | None:
        """A text that changes when its code changes; None if nobody can say."""
        return code_of(type(self), self.event_types, frozenset(Projection.__mro__))


_compiled: WeakKeyDictionary[type[Projection], tuple[EventType, ...]] = WeakKeyDictionary()

AnyProjection: TypeAlias = Projection | type[Projection]


def _events(cls: type[Projection], names: Mapping[str, Any] | None) -> tuple[EventType, ...]:
    """The events that a class takes, from its annotations. Raises `DefinitionError`."""
    name = cls.__qualname__
    ways = [way for way in ("apply", "apply_many") if hasattr(cls, way)] + (["sql"] if cls.sql else [])
    if len(ways) != 1:
        had = " and ".join(ways) or "none"
        raise DefinitionError(f"{name} needs one of apply, apply_many and sql, and has {had}")
    if cls.events:
        return tuple(map(event_type, cls.events))
    if ways == ["sql"]:
        raise DefinitionError(f"{name} has sql, so it names its events: events = (Deposited, Withdrawn)")
    function = getattr(cls, ways[0])
    parameters = list(inspect.signature(function).parameters)[1:]
    most = 3 if ways == ["apply"] else 2
    if not 2 <= len(parameters) <= most:
        form = (
            "apply(self, event, tx) or (self, event, tx, record)"
            if most == 3
            else "apply_many(self, events, tx)"
        )
        raise DefinitionError(f"{name}: it is {form}, not {len(parameters)} parameters")
    if _is_record(function.__annotations__.get(parameters[1])):
        raise DefinitionError(f"{name}: it is apply(self, event, tx, record): tx comes before the record")
    hints = _hints(function, parameters[0], names)
    found = dict.fromkeys(_classes(hints))
    if not found:
        raise DefinitionError(
            f"{name}.{ways[0]} needs an annotation that names its events: event: Deposited | Withdrawn"
        )
    return tuple(map(event_type, found))


def _is_record(annotation: Any) -> bool:
    """Whether an annotation, or the text of one, names `Record`."""
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return text.rpartition(".")[2] == "Record"


def _hints(function: Callable[..., Any], parameter: str, names: Mapping[str, Any] | None) -> Any:
    """The annotation of one parameter: the others may name what is imported for type checkers only."""
    annotation = function.__annotations__.get(parameter)
    if not isinstance(annotation, str):
        return annotation

    def only(value: Any) -> None: ...

    only.__annotations__ = {"value": annotation}
    return get_type_hints(only, function.__globals__, dict(names or {}), include_extras=True)["value"]


def _classes(annotation: Any) -> Iterator[type[Any]]:
    """The event classes that an annotation names, at any depth."""
    annotation = getattr(annotation, "__value__", annotation)  # of a `type` statement
    if "__backstory__" in getattr(annotation, "__dict__", {}):
        yield annotation
    for part in get_args(annotation):
        yield from _classes(part)


class Group:
    """Projections that share tables, checkpoint and transactions, under one name and in one version."""

    def __init__(self, members: Iterable[AnyProjection]) -> None:
        self.members = sorted(map(instance, members), key=lambda each: each.name)
        first = self.members[0]
        self.name = first.group
        self.version = "_".join(each.versioned() for each in self.members)
        self.renews = all(each.renews for each in self.members)
        self.takes_withheld = all(each.takes_withheld for each in self.members)
        self.on_error, self.partition, self.into = first.on_error, first.partition, first.into
        self.batch = min(each.batch or (MANY if each.sql else FEW) for each in self.members)
        self.types = frozenset(kind.name for each in self.members for kind in each.event_types())
        for one, other in zip(self.members, self.members[1:], strict=False):
            if one.name == other.name:
                raise DefinitionError(
                    f"two projections have the name {one.name!r}; say name= for one of them"
                )
            if (one.on_error, one.partition, one.into) != (other.on_error, other.partition, other.into):
                raise DefinitionError(
                    f"{one.name} and {other.name} share a group, so also on_error, partition and into"
                )
        if self.partition is not None:
            self._check_partition(self.partition)

    def _check_partition(self, field: str) -> None:
        for each in self.members:
            for kind in each.event_types():
                if not hasattr(kind.cls, field) and field not in getattr(kind.cls, "__annotations__", {}):
                    raise DefinitionError(f"{each.name}: {kind.name} has no field {field!r}, its partition")

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> tuple[str, str]:
        """Its name and version: what its tables go by."""
        return self.name, self.version

    def schema(self, dialect: str) -> str:
        """The SQL that makes all tables of the group. Raises `DefinitionError` if two members make one."""
        schemas = {each.name: each.schema(dialect).rstrip("; \n") for each in self.members}
        need_apart(self.name, schemas)
        return "\n;\n".join(schemas.values())

    def code(self) -> str:
        """A text that changes when the code of a member changes; empty if nobody can say."""
        parts = [each.code() for each in self.members]
        if None in parts:
            return ""
        return hashlib.sha256("".join(map(str, parts)).encode()).hexdigest()[:16]


def is_projection(what: Any) -> bool:
    """Whether this is a projection, or a class of one."""
    return isinstance(what, Projection) or (isinstance(what, type) and issubclass(what, Projection))


def instance(projection: AnyProjection) -> Projection:
    """A projection, of itself or of its class. Raises `DefinitionError` for what is none, such as a reaction."""
    cls: type[Any] = projection if isinstance(projection, type) else type(projection)
    if not issubclass(cls, Projection):
        name = getattr(projection, "__name__", cls.__name__)
        raise DefinitionError(
            f"{name} is no projection; to wait for a reaction or a process, run it until nothing is left to do:"
            f" db.run({name}).run(once=True)"
        )
    return projection() if isinstance(projection, type) else projection


def groups(projections: Iterable[AnyProjection]) -> dict[str, Group]:
    """The groups of some projections, by name."""
    members: dict[str, list[Projection]] = {}
    for each in map(instance, projections):
        members.setdefault(each.group, []).append(each)
    return {name: Group(own) for name, own in members.items()}
