"""The exact identity of a value: equal values are not always the same.

`1`, `True` and `1.0` are equal, and so are one instant in two time zones, and a member of an enum and its text. Code
may treat each in another way, so none may be given in place of another.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import marshal
import types
import uuid
from collections.abc import Callable, Collection, Hashable
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any

import msgspec
import msgspec.inspect
from msgspec.structs import astuple


class Inexact(TypeError):
    """Nothing is known of a type that would tell its values apart."""


def exact(value: Any) -> Hashable:
    """A key that two values share only if they are the same, all the way down. Raises `Inexact`."""
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]
    if kind in LEAVES:
        return kind, LEAVES[kind](value)
    if kind in SETS:
        return kind, frozenset([exact(item) for item in value])
    return kind, tuple([exact(part) for part in _parts(value)])


def same(one: Any, other: Any) -> bool:
    """Whether two values are known to be the same; quicker than comparing their `exact` keys."""
    kind = type(one)
    if kind is not type(other):
        return False
    try:
        if kind is str or kind in LEAVES or kind in SETS:
            return exact(one) == exact(other)
        parts, others = _parts(one), _parts(other)
    except Inexact:
        return False
    return len(parts) == len(others) and all(map(same, parts, others))


def alike(one: msgspec.Struct, other: msgspec.Struct) -> bool:
    """Whether two structs of plain values are known to be the same: a quick look before `same`, which knows more."""
    if type(one) is not type(other) or _has_more_than_plain(type(one)):
        return False
    try:  # the bytes say the type of each part, and there are none for a type that is not built in
        return marshal.dumps(astuple(one), 2) == marshal.dumps(astuple(other), 2)
    except ValueError:
        return False


@lru_cache(maxsize=1_000)
def _has_more_than_plain(cls: type[msgspec.Struct]) -> bool:
    """Whether structs of a class may have what their plain form does not tell: attributes, and kinds of bytes."""
    shown = repr(msgspec.inspect.type_info(cls))
    return cls.__dictoffset__ != 0 or any(kind in shown for kind in ("Bytes", "ByteArray", "MemoryView"))


def _itself(value: Hashable) -> Hashable:
    return value


def _moment(value: datetime.datetime | datetime.time) -> Hashable:
    """As it is written, if that shows its zone exactly: none, an offset, or a name of the zone database."""
    if not isinstance(value.tzinfo, datetime.timezone | types.NoneType):
        from zoneinfo import ZoneInfo

        if type(value.tzinfo) is not ZoneInfo or not value.tzinfo.key:
            raise Inexact(f"a time zone of {type(value.tzinfo).__qualname__} cannot be told from another one")
    return repr(value)


LEAVES: dict[type[Any], Callable[[Any], Hashable]] = {
    **dict.fromkeys((int, bool, bytes, types.NoneType, msgspec.UnsetType), _itself),
    **dict.fromkeys((datetime.date, datetime.timedelta, uuid.UUID), _itself),
    **dict.fromkeys((float, complex, decimal.Decimal), repr),  # 0.0 equals -0.0, and 1.0 equals 1.00
    **dict.fromkeys((datetime.datetime, datetime.time), _moment),
}
"""Functions that tell two values of one type apart, by the type."""

SETS = (set, frozenset)


def _parts(value: Any) -> Collection[Any]:
    """The parts of a value, in order. Raises `Inexact` if they are not known."""
    kind = type(value)
    if kind in (list, tuple):
        return value  # type: ignore[no-any-return]
    if kind is dict:
        return [*value, *value.values()]
    if issubclass(kind, enum.Enum):
        return [value.value if value.name is None else value.name]  # a flag of unknown bits has no name
    if issubclass(kind, msgspec.Struct):
        return _fields(value, kind.__struct_fields__)
    if is_dataclass(kind):
        return _fields(value, [field.name for field in fields(kind)])
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return value  # type: ignore[no-any-return]
    raise Inexact(f"a value of {kind.__qualname__} cannot be told from another one")


def _fields(value: Any, names: Collection[str]) -> Collection[Any]:
    """The fields of an object, and all other attributes that were put into it."""
    more = {name: item for name, item in getattr(value, "__dict__", {}).items() if name not in names}
    return [*[getattr(value, name) for name in names], more]
