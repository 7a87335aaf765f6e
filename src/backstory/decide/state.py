"""States: folds over the events that matter to one decision or one question.

    class Account(State):
        account: Tag[str]                     # its identity
        balance: int = 0

        def apply(self, event: Deposited | Withdrawn) -> None:
            match event:
                case Deposited(cents=cents):
                    self.balance += cents
                case Withdrawn(cents=cents):
                    self.balance -= cents

Which events a state reads follows from its types alone: for every event that `apply` takes, the tags that both have.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import (
    Any,
    ClassVar,
    Never,
    NoReturn,
    TypeVar,
    cast,
    dataclass_transform,
    get_type_hints,
)

import msgspec
from msgspec.structs import FieldInfo
from msgspec.structs import fields as struct_fields

from backstory.decide.copying import copier
from backstory.errors import DefinitionError, InvalidTag, UnreadableEvent
from backstory.store import Record
from backstory.told import note_line
from backstory.values.codec import withheld
from backstory.values.commit import Commit
from backstory.values.event import replaced
from backstory.values.event_data import RecordedEvent
from backstory.values.event_types import EventType, event_classes, event_type, need_current, outdated
from backstory.values.fields import TagField, hints, tag_fields, tagger, unresolved
from backstory.values.masking import own_html, own_repr, rich_repr
from backstory.values.privacy import is_marked
from backstory.values.query import Clause, Query, simplified, union
from backstory.values.veil import own_veil

S = TypeVar("S", bound="State")

NOTHING = (None, type(None), Any, NoReturn, Never)
"""Annotations of the result of an `apply`."""


@dataclass_transform(field_specifiers=(msgspec.field,))
class StateMeta(msgspec.StructMeta):
    """Checks a state when it is defined: msgspec knows its fields only once the class is made.

    `checked=False` is for a class that stands in for one that was checked, for as long as a verb runs.
    """

    def __new__(  # noqa: PYI034 - as for events
        mcls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        /,
        *,
        checked: bool = True,
        **config: Any,
    ) -> StateMeta:
        try:
            cls = super().__new__(mcls, name, bases, namespace, **config)
        except TypeError as wrong:
            raise DefinitionError(f"{name}: {wrong}") from wrong
        if checked and hasattr(cls, "apply"):
            note_line(cls)
            # Events that are local to a function are known here, and later no more.
            here = sys._getframe(1).f_locals
            with suppress(NameError):  # a forward reference: checked at first use
                _compiled[cast("type[State]", cls)] = StateType(cast("type[State]", cls), here)
        return cls


class State(msgspec.Struct, metaclass=StateMeta):
    """The base class of states. `Account("a-7")` is an empty state with an identity; every verb takes one.

    Fields marked with `Tag` are the identity; every other field has a default. Only in a state with a `query`
    of its own a field without a default belongs to the identity too. `apply` changes the state by one event;
    its annotation says which events there are, and a second parameter, `record`, gets the stored event with its
    position. Class attributes: `everywhere` names events that concern every identity; `version` goes up when
    the meaning of `apply` changes where `backstory.decide.fingerprint` does not see it; `snapshot_every` is after how
    many events a snapshot is kept (0: never); `inside` is a field that is a dict, whose keys conditions name as if they
    were fields of the state.
    """

    everywhere: ClassVar[tuple[Any, ...]] = ()
    version: ClassVar[int] = 1
    snapshot_every: ClassVar[int] = 5_000
    inside: ClassVar[str] = ""
    takes_withheld: ClassVar[bool] = False
    """Whether `apply` takes an event whose data are withheld, as `Unknown`: states of the library's own, which have a
    field `withheld` that says so."""

    def __repr__(self) -> str:
        """As one would write it, its personal and secret parts masked."""
        return own_repr(self, super().__repr__)

    def _repr_html_(self) -> str:
        """For notebooks: a row for each field, masked."""
        return own_html(self)

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """The same for Rich."""
        return rich_repr(self)

    def query(self) -> Query:
        """The events that this state reads. Override it if types alone cannot say it."""
        return state_type(type(self)).query(self)


def is_withheld(state: State) -> bool:
    """Whether not all of a state is known, because data of its events were withheld; of the library's own states."""
    return type(state).takes_withheld and bool(getattr(state, "withheld", False))


class StateType:
    """A state class, compiled: its identity, its query, and how it folds."""

    def __init__(self, cls: type[State], names: Mapping[str, Any] | None = None) -> None:
        annotations = hints(cls)
        if annotations is None:
            raise NameError(f"{cls.__qualname__}: an annotation names something that is not defined")
        self.cls = cls
        self.tag_fields = tag_fields(cls, {name: annotations[name] for name in cls.__struct_fields__})
        check_fields(cls, self.tag_fields)
        self.raw, self.wants_record, classes = _apply_takes(cls, names)
        self.events = {compiled.name: compiled for compiled in map(event_type, classes)}
        self.everywhere = {event_type(part).name for what in cls.everywhere for part in event_classes(what)}
        """The names of the events that concern every identity."""
        self.own_query = cls.query is not State.query
        self.identity = tuple(
            field.name for field in struct_fields(cls) if field.required or field.name in self._tag_names()
        )
        self.veil = own_veil(cls)
        for name in self.identity:
            if is_marked(annotations[name]):
                raise DefinitionError(
                    f"{cls.__qualname__}.{name} says which state it is, so it is shown and recorded, and can be neither"
                    " personal nor secret. Tell states apart by an id that tells nothing"
                )
        self._clauses = [] if self.own_query else self._infer()
        self.copy: Callable[[Any], Any] = copier(cls, annotations)

    def _tag_names(self) -> set[str]:
        return {field.name for field in self.tag_fields}

    def _infer(self) -> list[tuple[tuple[str, ...], int, Callable[[Any], tuple[str, ...]]]]:
        """For each set of shared tags: the event types that share them, the number of tags, and their getter."""
        name = self.cls.__qualname__
        own = {field.key: field for field in self.tag_fields}
        if len(own) < len(self.tag_fields):
            raise DefinitionError(f"{name}: two of its fields tag under the same key; override query()")
        if any(field.many for field in self.tag_fields):
            raise DefinitionError(f"{name}: a state's tag is one value, not a list; override query()")
        if strangers := self.everywhere - set(self.events):
            raise DefinitionError(f"{name}: everywhere names {min(strangers)}, which apply does not take")
        if self.raw:
            return [((), len(self.tag_fields), tagger(self.tag_fields))]
        groups: dict[tuple[TagField, ...], list[str]] = {}
        for compiled in self.events.values():
            keys = {field.key for field in compiled.tag_fields}
            shared = tuple(own[key] for key in sorted(keys & set(own)))
            if compiled.name in self.everywhere:
                shared = ()
            elif own and not shared:
                raise DefinitionError(
                    f"{name} applies {compiled.name}, which shares no tag with it: {name} has {', '.join(sorted(own))};"
                    f" {compiled.name} has {', '.join(sorted(keys)) or 'none'}."
                    " Tag a field of the event with one of these,"
                    f" or say that it concerns every {name}: everywhere = ({compiled.cls.__name__},)"
                )
            groups.setdefault(shared, []).append(compiled.name)
        return [(tuple(sorted(names)), len(shared), tagger(shared)) for shared, names in groups.items()]

    def empty(self, state: S) -> S:
        """A state with this identity that no event has changed yet."""
        new: S = self.copy(self.cls(**{name: getattr(state, name) for name in self.identity}))
        return new

    def query(self, state: State) -> Query:
        """The query that follows from the types, for this identity. Raises `InvalidTag`."""
        clauses = []
        for names, count, tags_of in self._clauses:
            tags = tags_of(state)
            if len(tags) < count:
                raise InvalidTag(
                    f"{state!r} has no value in its identity: it would read the events of all others"
                )
            clauses.append(Clause(names, tags))
        return Query(tuple(clauses)) if len(clauses) == 1 else simplified(clauses)

    def fold(self, state: State, records: Iterable[RecordedEvent], find: Callable[[int], Commit]) -> int:
        """Apply these events, which are open, to `state`, which changes; return how many there were.

        `find` finds the commit of an event, for an `apply` that looks at its record.

        Raises `UnreadableEvent` for one that the code at hand cannot read: a state that skipped it would be wrong.
        """
        apply: Callable[..., object] = state.apply  # type: ignore[attr-defined]
        count = 0
        stored: RecordedEvent | None = None
        if self.raw:
            for stored in records:
                if (given := apply(stored)) is not None:
                    raise self._gave(given)
                count += 1
            return count
        events, wants_record = self.events, self.wants_record
        try:
            for stored in records:
                count += 1
                compiled = events.get(stored.type)
                if compiled is None:
                    continue
                event = (
                    compiled.load(stored.data)
                    if stored.version == compiled.version and stored.data
                    else self._mended(compiled, stored)
                )
                given = apply(event, Record(event, stored, find)) if wants_record else apply(event)
                if given is not None:
                    raise self._gave(given)
        except msgspec.MsgspecError as wrong:
            assert stored is not None
            compiled = events[stored.type]
            raise compiled.unreadable(stored, wrong) from compiled.cause(wrong)
        return count

    def _mended(self, compiled: EventType, record: RecordedEvent) -> Any:
        """The object of an event that has another version than its class, or no data any more."""
        if record.version > compiled.version:
            raise UnreadableEvent(
                f"#{record.position} {record.type} has version {record.version}, the class here has"
                f" {compiled.version}: this program is older than the event"
            )
        return withheld(record) if self.cls.takes_withheld and not record.data else compiled.read(record)

    def _gave(self, given: Any) -> DefinitionError:
        """The error for an `apply` that gives something back, which would be lost."""
        return DefinitionError(
            f"{self.cls.__qualname__}.apply gave a value of type {type(given).__name__}, which would be lost:"
            " apply changes the state itself, as in self.balance += event.cents, and gives nothing back"
        )


_compiled: dict[type[Any], StateType] = {}


def defined_states() -> list[type[State]]:
    """Every state class there is, of the event classes as they are now."""
    return [cls for cls, compiled in _compiled.items() if outdated(compiled.events.values()) is None]


families: list[Callable[[str], type[Any] | None]] = []
"""Functions that find the state that needs no code of an application, by the type of one of its events."""


def made_for(type: str) -> type[State] | None:
    """The state of the library's own that applies events of this type, such as the row of a table."""
    return next((cls for family in families if (cls := family(type)) is not None), None)


def state_type(cls: type[State]) -> StateType:
    """The compiled form of a state class. Raises `DefinitionError`."""
    compiled = _compiled.get(cls)
    if compiled is None:
        try:
            compiled = _compiled[cls] = StateType(cls)
        except NameError as wrong:
            raise DefinitionError(f"{cls.__qualname__}: {unresolved(wrong)}") from wrong
    if replaced:
        need_current(cls.__qualname__, compiled.events.values())
    return compiled


def boundary(states: Iterable[State]) -> Query:
    """A query for the events that any of these states reads."""
    return union([state.query() for state in states])


def fold(state: S, records: Iterable[RecordedEvent], commit_at: Callable[[int], Commit]) -> S:
    """A copy of `state` with these events applied; see `StateType.fold`. Raises `UnreadableEvent`."""
    compiled = state_type(type(state))
    filled: S = compiled.copy(state)
    compiled.fold(filled, records, commit_at)
    return filled


def identity(state: State) -> dict[str, Any]:
    """The values that tell this state from others of its class: its tags, as plain values."""
    return {name: getattr(state, name) for name in state_type(type(state)).identity}


def _apply_takes(cls: type[State], names: Mapping[str, Any] | None) -> tuple[bool, bool, list[type[Any]]]:
    """Whether `apply` takes stored events as they are, whether it wants the record too, and which event classes."""
    name = cls.__qualname__
    function = getattr(cls, "apply", None)
    if function is None:
        raise DefinitionError(f"{name} has no apply(self, event: ...) method")
    parameters = list(inspect.signature(function).parameters.values())[1:]
    if len(parameters) not in (1, 2):
        raise DefinitionError(
            f"{name}.apply takes an event, and perhaps its record; not {len(parameters)} parameters"
        )
    annotations = get_type_hints(function, localns=names)
    given = annotations.get("return")
    if given not in NOTHING or inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise DefinitionError(
            f"{name}.apply gives something back, which would be lost: apply changes the state itself, as in"
            " self.balance += event.cents, and gives nothing back: -> None"
        )
    annotation = annotations.get(parameters[0].name)
    annotation = getattr(annotation, "__value__", annotation)  # of a `type` statement
    if annotation is None:
        raise DefinitionError(
            f"{name}.apply needs an annotation that names its events: event: Deposited | Withdrawn"
        )
    if annotation is RecordedEvent:
        if len(parameters) == 2:
            raise DefinitionError(
                f"{name}.apply takes stored events as they are, so it cannot take their records too"
            )
        return True, False, []
    try:
        return False, len(parameters) == 2, event_classes(annotation)
    except DefinitionError as wrong:
        raise DefinitionError(f"{name}.apply: {wrong}") from None


def check_fields(cls: type[State], tagged: Iterable[TagField]) -> None:
    """Raise `DefinitionError` for a field that is neither identity nor has a default of its own for each state."""
    own_query = cls.query is not State.query
    tags = {field.name for field in tagged}
    for field in struct_fields(cls):
        if field.required and field.name not in tags and not own_query:
            raise DefinitionError(
                f"{cls.__qualname__}.{field.name} has no default: a state starts empty."
                " Give it one, or mark it with Tag"
            )
        if _shared(field):
            raise DefinitionError(
                f"{cls.__qualname__}.{field.name}: all states would share this default;"
                " use msgspec.field(default_factory=...)"
            )


def _shared(field: FieldInfo) -> bool:
    """Whether a default is one object that `apply` could change under every other state."""
    default = field.default
    if isinstance(default, (tuple, frozenset)):
        return any(map(_can_change, default))
    return _can_change(default)


def _can_change(value: Any) -> bool:
    config = getattr(value, "__struct_config__", None)
    if config is not None and not isinstance(value, type):
        return not config.frozen
    hash: Any = type(value).__hash__
    by_identity = hash is object.__hash__ and hasattr(value, "__dict__") and not callable(value)
    return hash is None or by_identity
