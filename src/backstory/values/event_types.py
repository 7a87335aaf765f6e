"""Event classes, compiled: names, versions, upcasters, tags and JSON. `backstory.values.codec` uses them."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import msgspec

from backstory.errors import DefinitionError, EventError, UnreadableEvent
from backstory.values import event as events
from backstory.values.event import WITHHELD, Definition, Upcaster, upcast
from backstory.values.event_data import EventData, RecordedEvent
from backstory.values.fields import TagField, check_encodable, hints, tag_fields, tagger
from backstory.values.forms import Form
from backstory.values.masking import event_veil, masked_words
from backstory.values.veil import own_veil, veil_of

C = TypeVar("C", bound=type[Any])


FEW = 10
"""A union of so few events is written out in an error."""

marked_types: set[str] = set()
"""The names of event types that have something personal or secret in them."""


class EventType:
    """An event class, compiled: how its instances become bytes and tags, and bytes of any version an instance."""

    def __init__(self, cls: type[Any]) -> None:
        definition: Definition = cls.__backstory__
        self.cls = cls
        self.name = definition.name
        self.version = definition.version
        self.upcasters = definition.upcasters
        annotations = hints(cls)
        if annotations is None:
            raise DefinitionError(f"{cls.__qualname__}: an annotation names something that is not defined")
        self.tag_fields: tuple[TagField, ...] = tag_fields(cls, annotations)
        self.tags = tagger(self.tag_fields)
        self.veil = own_veil(cls)
        (marked_types.discard if self.veil is None else marked_types.add)(self.name)
        check_encodable(cls)
        self._form = Form(cls, self.veil)
        self.load: Callable[[bytes], Any] = self._form.load

    def encode(self, event: Any) -> EventData:
        """The event in stored form. Raises `InvalidEvent` or `InvalidTag` if its class would not give it back equal."""
        data = self._form.encode(event, self.name)
        return EventData(self.name, self.version, self.tags(event), data)

    def decode(self, version: int, data: bytes) -> Any:
        """The event of these bytes, mended if they are of an older version. Raises the errors of decoding."""
        if version == self.version:
            return self.load(data)
        return self.load(msgspec.json.encode(self.upcast(version, msgspec.json.decode(data))))

    def read(self, record: EventData | RecordedEvent) -> Any:
        """The event of a record, whose version is known here. Raises `UnreadableEvent` if the data does not fit."""
        version = record.version
        try:
            # As in `decode`, without the call: nearly every event has the version of its class.
            return self.load(record.data) if version == self.version else self.decode(version, record.data)
        except EventError:
            raise
        except Exception as wrong:  # noqa: BLE001 - it is raised, in words that hide what is marked
            raise self.unreadable(record, wrong) from self.cause(wrong)

    def check_times(self, event: Any) -> None:
        """Raise `InvalidEvent` for a time without a zone, where its field does not say that it has none."""
        self._form.check_times(event, self.name)

    def upcast(self, version: int, data: dict[str, Any]) -> dict[str, Any]:
        """The data of an older version as this version's, through every upcaster between."""
        for old in range(version, self.version):
            mended: Any = self.upcasters[old](data)
            if not isinstance(mended, dict):
                kind = type(mended).__name__
                raise TypeError(f"the upcaster from version {old} of {self.name} gave {kind}, not a dict")
            data = mended
        return data

    def unreadable(self, record: EventData | RecordedEvent, wrong: Exception) -> UnreadableEvent:
        """The error for a record that does not fit its class."""
        place = f"#{record.position} " if isinstance(record, RecordedEvent) else ""
        words = masked_words(wrong, event_veil(record.type)) if record.data else WITHHELD
        return UnreadableEvent(f"{place}{record.type} (version {record.version}) cannot be read: {words}")

    def cause(self, wrong: Exception) -> Exception | None:
        """The error to show as the cause of another: none if its words could hold a marked value."""
        return wrong if veil_of(self.cls) is None else None


compiled_types: dict[type[Any], EventType] = {}
"""Those that were compiled, which happens when a class is first used."""


def event_type(cls: type[Any]) -> EventType:
    """The compiled form of an event class. Raises `DefinitionError` for a class that is no event."""
    try:
        return compiled_types[cls]
    except KeyError:
        if not events.is_event(cls):
            raise DefinitionError(_no_event(cls)) from None
        compiled = compiled_types[cls] = EventType(cls)
        return compiled


def need_current(what: str, kinds: Iterable[EventType]) -> None:
    """Raise `DefinitionError` if code takes an event class that was defined anew since, and so not the new one."""
    event = outdated(kinds)
    if event is not None:
        raise DefinitionError(
            f"{what} applies the event {event.__name__} as it was before that class was defined anew:"
            f" define {what} anew too, after the event"
        )


def outdated(kinds: Iterable[EventType]) -> type[Any] | None:
    """The first of these event classes that was defined anew since, in the same module; None if there is none."""
    return next((kind.cls for kind in kinds if kind.cls in events.replaced), None)


def event_classes(annotation: Any) -> list[type[Any]]:
    """The event classes that an annotation names: one, or each of a union, however it was put together.

    Raises `DefinitionError` for any other.
    """
    while hasattr(annotation, "__value__"):  # of a `type` statement
        annotation = annotation.__value__
    if get_origin(annotation) in (Union, types.UnionType, Annotated):
        parts = get_args(annotation)[: 1 if get_origin(annotation) is Annotated else None]
        return list(dict.fromkeys(cls for part in parts for cls in event_classes(part)))
    if not events.is_event(annotation):
        raise DefinitionError(_no_event(annotation))
    return [annotation]


def _no_event(cls: Any) -> str:
    name = getattr(cls, "__qualname__", repr(cls))
    if isinstance(cls, events.EventMeta):
        derived = sorted(event.__name__ for event in events.definitions.values() if issubclass(event, cls))
        union = " | ".join(derived) if 0 < len(derived) < FEW else "Opened | Closed"
        return f"{name} is abstract, so it is not an event; name the events that are meant, such as {union}"
    base = next((base.__name__ for base in getattr(cls, "__mro__", ()) if events.is_event(base)), None)
    if base is not None:
        return f"{name} is not an event, although it derives from {base}, which is one; use {base} itself"
    return f"{name} is not an event; subclass Event, or register it with backstory.register"


def register(
    cls: C, *, name: str | None = None, version: int = 1, upcasters: Mapping[int, Upcaster] | None = None
) -> C:
    """Make an event of a frozen dataclass, attrs class, pydantic model or struct, and return the class.

    For classes that you do not want to derive from `Event`; mark its tags with `Tag` or `Tagged` all the same.
    Raises `DefinitionError` if it cannot be an event.
    """
    steps = {f"_{old}": upcast(old)(function) for old, function in (upcasters or {}).items()}
    events.define(cls, name, version, {**vars(cls), **steps})
    compiled_types.pop(cls, None)
    return cls
