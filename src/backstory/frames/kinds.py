"""Between the types of fields and those of Arrow: `int` is int64, a time with a zone is an instant, a class a struct.

What Arrow has no type for, such as `Any` or `int | str`, is the JSON of the value, as text.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import types
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, is_typeddict

import msgspec
import pyarrow as pa

from backstory.values.fields import hints
from backstory.values.masking import hides, is_hidden, masked_json
from backstory.values.veil import OPEN, Veil, field_names

DIGITS, SCALE = 38, 18
"""Digits of a decimal number, in all and behind the point."""

Maker = Callable[[Any], Any]


class Kind(NamedTuple):
    """The type of a column, and what is made of each value before Arrow takes it; None if it is taken as it is."""

    arrow: pa.DataType
    make: Maker | None = None


_json = msgspec.json.Encoder(enc_hook=str).encode


def as_json(value: Any) -> str:
    """The JSON of a value, as text."""
    return _json(value).decode()


JSON = Kind(pa.string(), as_json)
INSTANT, LOCAL = Kind(pa.timestamp("us", tz="UTC")), Kind(pa.timestamp("us"))

PLAIN: Mapping[Any, Kind] = {
    bool: Kind(pa.bool_()),
    int: Kind(pa.int64()),
    float: Kind(pa.float64()),
    str: Kind(pa.string()),
    bytes: Kind(pa.binary()),
    bytearray: Kind(pa.binary(), bytes),
    decimal.Decimal: Kind(pa.decimal128(DIGITS, SCALE)),
    datetime.datetime: INSTANT,
    datetime.date: Kind(pa.date32()),
    datetime.time: Kind(pa.time64("us")),
    datetime.timedelta: Kind(pa.duration("us")),
    uuid.UUID: Kind(pa.string(), str),
}

SEQUENCES = (list, tuple, set, frozenset)


def kind_of(annotation: Any, veil: Veil | None = None, within: tuple[type[Any], ...] = ()) -> Kind:
    """The kind of the values of a type; parts that their veil masks are null.

    `within` are the classes around it: one that has itself inside is JSON there.
    """
    found = _kind(annotation, veil, within)
    return Kind(found.arrow, _nothing) if is_hidden(veil) else found


def _kind(annotation: Any, veil: Veil | None, within: tuple[type[Any], ...]) -> Kind:
    annotation = getattr(annotation, "__value__", annotation)  # of a `type` statement
    annotation = getattr(annotation, "__supertype__", annotation)  # of a NewType
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        zoned = [meta.tz for meta in arguments[1:] if isinstance(meta, msgspec.Meta)]
        found = _kind(arguments[0], veil, within)
        return LOCAL if found is INSTANT and False in zoned else found
    if origin in (Union, types.UnionType):
        choices = [each for each in arguments if each is not types.NoneType]
        return (
            _kind(choices[0], veil, within)
            if len(choices) == 1
            else _same(map(_kind_of_value, choices), veil)
        )
    if origin is Literal:
        return _same((_kind_of_value(type(each)) for each in arguments if each is not None), veil)
    cls = origin or annotation
    if cls in PLAIN:
        return PLAIN[cls]
    return _of_class(cls, arguments, veil, within) if isinstance(cls, type) else _as_json(veil)


def _of_class(
    cls: type[Any], arguments: tuple[Any, ...], veil: Veil | None, within: tuple[type[Any], ...]
) -> Kind:
    if issubclass(cls, enum.Enum):
        found = _same((_kind_of_value(type(member.value)) for member in cls), None)
        return _as_json(veil) if found.make else Kind(found.arrow, lambda member: member.value)
    if issubclass(cls, SEQUENCES) and not hasattr(cls, "_fields"):
        return _listed(arguments, veil, within)
    if issubclass(cls, Mapping) and not is_typeddict(cls):
        return _mapped(arguments, veil, within)
    fields = field_names(cls)
    if not fields or cls in within or (annotations := hints(cls)) is None:
        return _as_json(veil)
    inner = veil or OPEN
    kinds = {
        name: kind_of(annotations.get(name), inner.at(step), (*within, cls)) for name, step in fields.items()
    }
    return _struct(cls, kinds)


def _kind_of_value(annotation: Any) -> Kind:
    """The kind of a part of a union, if it is a plain one; else JSON, whatever it is."""
    return PLAIN.get(annotation, JSON)


def _same(kinds: Iterable[Kind], veil: Veil | None) -> Kind:
    """The one kind of several types; JSON if they have not one."""
    first, *others = list(kinds) or [JSON]
    return first if all(each is first for each in others) and first is not JSON else _as_json(veil)


def _as_json(veil: Veil | None) -> Kind:
    """The JSON of a value, as text, with masks in it."""
    if veil is None or not hides(veil):
        return JSON
    return Kind(JSON.arrow, lambda value: masked_json(_json(value), veil).decode())


def _listed(arguments: tuple[Any, ...], veil: Veil | None, within: tuple[type[Any], ...]) -> Kind:
    each = [part for part in arguments if part is not Ellipsis]
    if len(each) != 1:
        return _as_json(veil)
    inner = kind_of(each[0], veil and veil.at(0), within)
    make = inner.make
    if make is None:
        return Kind(pa.list_(inner.arrow), list)
    return Kind(
        pa.list_(inner.arrow), lambda values: [None if each is None else make(each) for each in values]
    )


def _mapped(arguments: tuple[Any, ...], veil: Veil | None, within: tuple[type[Any], ...]) -> Kind:
    if len(arguments) != 2:
        return _as_json(veil)
    key, value = kind_of(arguments[0], None, within), kind_of(arguments[1], None, within)
    if hides(veil) or key.arrow != pa.string():
        return _as_json(veil)
    first, second = key.make or _itself, value.make or _itself

    def pairs(values: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
        return [(first(name), None if each is None else second(each)) for name, each in values.items()]

    return Kind(pa.map_(key.arrow, value.arrow), pairs)


def _struct(cls: type[Any], kinds: Mapping[str, Kind]) -> Kind:
    of = _member if is_typeddict(cls) else getattr
    parts = [(name, kind.make or _itself) for name, kind in kinds.items()]

    def members(value: Any) -> dict[str, Any]:
        found = ((name, make, of(value, name, None)) for name, make in parts)
        return {name: None if each is None else make(each) for name, make, each in found}

    return Kind(pa.struct([(name, kind.arrow) for name, kind in kinds.items()]), members)


def _member(value: Mapping[str, Any], name: str, otherwise: Any) -> Any:
    return value.get(name, otherwise)


def _itself(value: Any) -> Any:
    return value


def _nothing(_value: Any) -> None:
    return None
