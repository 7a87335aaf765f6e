"""Copies of states that share all that cannot change.

Every load and every decision is given a copy of the remembered state, so copies are made far more often than states
change. A value that stands in two places of a state is one value in the copy, too.
"""

from __future__ import annotations

import copy
import datetime
import decimal
import enum
import types
import uuid
from collections.abc import Callable
from copyreg import dispatch_table
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from backstory.store import Record
from backstory.values.event_data import RecordedEvent
from backstory.values.fields import hints, is_frozen

ATOMS = (
    str,
    int,
    float,
    bool,
    bytes,
    complex,
    types.NoneType,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    decimal.Decimal,
    uuid.UUID,
    enum.Enum,
    Record,
    RecordedEvent,
)
Memo = dict[int, Any]
"""The copy of each value that was copied, by the value's id: the same as that of `copy.deepcopy`, which shares it."""

Copy = Callable[[Any, Memo], Any]


HOOKS = (
    *("__new__", "__copy__", "__deepcopy__", "__reduce__", "__reduce_ex__"),
    *("__getstate__", "__setstate__", "__getnewargs__", "__getnewargs_ex__"),
)
"""Methods that say how a class is copied: where it has one of its own, `copy.deepcopy` calls it."""


def copier(cls: type[Any], annotations: dict[str, Any]) -> Callable[[Any], Any]:
    """A function that copies states of a class: a shallow copy where no field can change, as in most."""
    steps = _steps(cls, annotations)
    if not steps:
        return copy.copy

    def copied(state: Any) -> Any:
        new, memo = copy.copy(state), Memo()
        for name, step in steps:
            setattr(new, name, step(getattr(state, name), memo))
        return new

    return copied


def _steps(cls: type[Any], annotations: dict[str, Any]) -> list[tuple[str, Copy]]:
    """The fields whose values can change, and how each is copied."""
    fields: list[str] = list(cls.__struct_fields__)
    return [(name, _step(annotations[name])) for name in fields if not immutable(annotations[name])]


def _step(annotation: Any) -> Copy:
    arguments = get_args(annotation)
    flat = get_origin(annotation) in (list, set, dict) and arguments and all(map(immutable, arguments))
    return _flat if flat else _copied


def _flat(value: Any, memo: Memo) -> Any:
    """A copy of a container of what cannot change, by its own method: a dict may be a defaultdict or a Counter."""
    known = memo.get(id(value))
    return memo.setdefault(id(value), value.copy()) if known is None else known


def _copied(value: Any, memo: Memo) -> Any:
    how = _copies.get(value.__class__, _unknown)
    if how is None:
        return value
    known = memo.get(id(value))
    return how(value, memo) if known is None else known


def _nested(value: list[Any] | dict[Any, Any], memo: Memo) -> Any:
    """A list or a dict, with those in it, one after the other: stored JSON may be nested deeper than Python's stack."""
    whole = memo[id(value)] = value.__class__()
    left: list[tuple[Any, Any]] = [(value, whole)]

    def part(item: Any) -> Any:
        how = _copies.get(item.__class__, _unknown)
        if how is None:
            return item
        known = memo.get(id(item))
        if known is not None:
            return known
        if how is not _nested:
            return how(item, memo)
        new = memo[id(item)] = item.__class__()
        left.append((item, new))
        return new

    while left:
        old, new = left.pop()
        if old.__class__ is dict:
            for key, item in old.items():
                new[part(key)] = part(item)
        else:
            new += [part(item) for item in old]
    return whole


def _unknown(value: Any, memo: Memo) -> Any:
    kind = value.__class__
    how = _copies[kind] = _copy_of(kind)
    return value if how is None else how(value, memo)


_copies: dict[type[Any], Copy | None] = {list: _nested, dict: _nested}
"""How to copy instances of each class that was met; None if they cannot change."""


def _copy_of(kind: type[Any]) -> Copy | None:
    if immutable(kind):
        return None
    plain = msgspec.Struct if issubclass(kind, msgspec.Struct) else object
    own = [name for name in HOOKS if getattr(kind, name, None) is not getattr(plain, name, None)]
    if own or kind in dispatch_table:
        return copy.deepcopy
    if plain is object:
        slots = any("__slots__" in vars(base) for base in kind.__mro__[:-1])
        return copy.deepcopy if slots or not kind.__dictoffset__ else _attributes
    annotations = hints(kind)
    if annotations is None or is_frozen(kind) or kind.__dictoffset__:
        return copy.deepcopy
    steps = _steps(kind, annotations)

    def struct(value: Any, memo: Memo) -> Any:
        new = memo[id(value)] = value.__copy__()
        for name, step in steps:
            setattr(new, name, step(getattr(value, name), memo))
        return new

    return struct


def _attributes(value: Any, memo: Memo) -> Any:
    """A copy of an object that is its attributes, such as one of a dataclass."""
    new = memo[id(value)] = object.__new__(value.__class__)
    attributes = new.__dict__
    for name, item in value.__dict__.items():
        attributes[name] = _copied(item, memo)
    return new


def immutable(annotation: Any, inside: frozenset[Any] = frozenset()) -> bool:
    """Whether values of this type can never change, all the way down; `inside` are the classes it is a part of."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return immutable(annotation.__origin__, inside)
    if origin is Literal:
        return True
    if origin in (Union, types.UnionType, tuple, frozenset):
        return all(part is Ellipsis or immutable(part, inside) for part in get_args(annotation))
    annotation = getattr(annotation, "__supertype__", annotation)
    if not isinstance(annotation, type):
        return False
    if issubclass(annotation, ATOMS) or annotation in inside:
        return True
    fields = hints(annotation) if is_frozen(annotation) else None
    return fields is not None and all(immutable(field, inside | {annotation}) for field in fields.values())
