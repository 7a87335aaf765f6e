"""Imported events as events of an application: checked against their classes, or made from rows of text.

An event that its class cannot read, or whose tags are not those of its class, would be in the log for ever, and no
state would see it.
"""

from __future__ import annotations

import datetime
import decimal
import math
import types
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin

import msgspec

from backstory.errors import EventError, InvalidEvent
from backstory.transfer.source import Entry, Item
from backstory.values.codec import fields
from backstory.values.event_data import EventData, sorted_tags
from backstory.values.event_types import EventType
from backstory.values.fields import hints
from backstory.values.naive import is_wall_time

Events: TypeAlias = Callable[[str], EventType]
"""The event class of a name, such as `Application.event`. Raises `LookupError` that says which there are."""

Time: TypeAlias = Callable[[str], datetime.datetime]
"""The time that a text means."""


def checked(items: Iterable[Item], events: Events) -> Iterator[Item]:
    """The items, with a reject in the place of each entry whose events do not fit their classes."""
    for item in items:
        if isinstance(item, Entry):
            try:
                for event in item.draft.events:
                    check(event, class_of(event.type, events))
            except EventError as wrong:
                yield item.refused(str(wrong))
                continue
        yield item


def class_of(type: str, events: Events) -> EventType:
    """The class of an event's type. Raises `InvalidEvent` if the application has none."""
    try:
        return events(type)
    except LookupError as wrong:
        raise InvalidEvent(str(wrong)) from wrong


def check(event: EventData, kind: EventType) -> None:
    """Raise `InvalidEvent` or `UnreadableEvent` if a class cannot read an event, or would not have written it so."""
    if event.version > kind.version:
        raise InvalidEvent(f"{event.type} has version {event.version}, and its class {kind.version}")
    if not event.data:  # it is withheld
        return
    value = kind.read(event)
    if event.version == kind.version and (unknown := sorted(fields(event.data).keys() - field_types(kind))):
        raise InvalidEvent(f"{event.type} has no field {unknown[0]!r}; it has {', '.join(field_types(kind))}")
    if event.version == kind.version:
        kind.check_times(value)
    if missing := sorted(set(kind.tags(value)) - set(event.tags)):
        raise InvalidEvent(f"{event.type} of these data has the tag {missing[0]}, which is not there")


def field_types(kind: EventType) -> dict[str, Any]:
    """The type of each field of an event's data, by its name there."""
    found = hints(kind.cls) or {}
    if issubclass(kind.cls, msgspec.Struct):
        return {field.encode_name: found[field.name] for field in msgspec.structs.fields(kind.cls)}
    models: Mapping[str, Any] = getattr(kind.cls, "model_fields", {})
    if models:
        return {field.alias or name: found[name] for name, field in models.items()}
    return {name: found[name] for name in getattr(kind.cls, "__dataclass_fields__", found) if name in found}


def required(kind: EventType) -> set[str]:
    """The names of the fields that have no default."""
    if issubclass(kind.cls, msgspec.Struct):
        return {field.encode_name for field in msgspec.structs.fields(kind.cls) if field.required}
    if models := getattr(kind.cls, "model_fields", {}):
        return {field.alias or name for name, field in models.items() if field.is_required()}
    return {
        name
        for name, field in getattr(kind.cls, "__dataclass_fields__", {}).items()
        if field.default is MISSING and field.default_factory is MISSING
    }


class Typed:
    """Makes events of one class from rows: the texts of cells, by the names of the fields."""

    def __init__(self, kind: EventType, time: Time) -> None:
        """`time` reads the cells of fields that are times."""
        self._kind = kind
        self._time = time
        self._fields = field_types(kind)
        self._required = required(kind)

    def empty(self, name: str) -> dict[str, None]:
        """The value of an empty cell for its field: none, so that the default counts; or null. Raises `ValueError`.

        It is null where the field has no default and may be None. If the field may not be None, the row is an error.
        """
        if name not in self._required:
            return {}
        if types.NoneType not in _kinds(self._fields[name]):
            raise ValueError(f"the cell is empty, and the field {name!r} has no default")
        return {name: None}

    def value(self, name: str, text: str) -> Any:
        """The value of a field that a cell means. Raises `ValueError`."""
        if name not in self._fields:
            raise ValueError(
                f"{self._kind.name} has no field {name!r}, only {', '.join(self._fields)}; name its field with --field,"
                " or leave the column out with --drop"
            )
        return _value(text.strip(), text, self._fields[name], self._time)

    def event(self, values: Mapping[str, Any], tags: Iterable[str]) -> EventData:
        """The event of these values, with these tags besides its own. Raises `EventError`."""
        kind = self._kind
        made = kind.encode(kind.read(EventData(kind.name, kind.version, (), msgspec.json.encode(values))))
        return msgspec.structs.replace(made, tags=sorted_tags((*made.tags, *tags)))


def _value(text: str, whole: str, annotation: Any, time: Time) -> Any:
    try:
        if datetime.datetime in _kinds(annotation):
            return _wall_time(text, time) if is_wall_time(annotation) else time(text)
        if text[:1] in ("[", "{", "("):
            try:
                return msgspec.convert(structure(text), annotation, strict=False)
            except (ValueError, msgspec.ValidationError):
                pass  # it may be a text
        for candidate in (whole, text):
            try:
                value = msgspec.convert(candidate, annotation, strict=False)
            except msgspec.ValidationError as wrong:
                why = str(wrong)
            else:
                if isinstance(value, float) and not math.isfinite(value):
                    why = "JSON has no NaN or infinity"
                    break
                if isinstance(value, decimal.Decimal) and "_" in candidate:
                    why = "a number has no underscore"
                    break
                return value
    except TypeError:  # a type that only the class's own library knows
        return whole
    raise ValueError(f"{whole!r} does not fit the field: {why}")


def _wall_time(text: str, time: Time) -> datetime.datetime:
    """The time on a clock on the wall; one with a zone keeps it, so that the class refuses it. Raises `ValueError`."""
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError:
        return time(text).replace(tzinfo=None)


def _kinds(annotation: Any) -> Iterator[Any]:
    """The types that a value of this annotation may have."""
    if get_origin(annotation) is Annotated:
        yield from _kinds(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for inner in get_args(annotation):
            yield from _kinds(inner)
    else:
        yield annotation


def structure(text: str) -> Any:
    """The list or the object that a text means, as JSON or as Python writes it. Raises `ValueError`."""
    from ast import literal_eval

    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        pass
    try:
        with warnings.catch_warnings(action="ignore"):  # of a backslash that means nothing
            found = literal_eval(text)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        raise ValueError(f"{text!r} is neither JSON nor as Python writes it") from None
    try:
        msgspec.json.encode(found)
    except UnicodeEncodeError:
        raise ValueError(f"{text!r} has a lone surrogate, which is not valid text") from None
    except (TypeError, ValueError, OverflowError):
        pass  # of a type that has no place in JSON: the class of the event refuses it
    return list(found) if isinstance(found, tuple | set) else found
