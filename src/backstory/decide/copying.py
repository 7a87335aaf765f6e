"""Copies of states that share nothing that can change; only values that can change are copied."""

from __future__ import annotations

import copy
import datetime
import decimal
import enum
import operator
import types
import uuid
from collections.abc import Callable
from typing import Annotated, Any, Literal, Union, get_args, get_origin

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
)
Copy = Callable[[Any], Any]
COPY_METHOD = operator.methodcaller("copy")


def copier(cls: type[Any], annotations: dict[str, Any]) -> Copy:
    """A function that copies instances of a struct: a shallow copy where every field is immutable, as in most."""
    steps = {name: step for name in cls.__struct_fields__ if (step := _step(annotations[name])) is not None}
    if not steps:
        return copy.copy

    def copied(instance: Any) -> Any:
        new = copy.copy(instance)
        for name, step in steps.items():
            setattr(new, name, step(getattr(instance, name)))
        return new

    return copied


def _step(annotation: Any) -> Copy | None:
    """How to copy one field; None if the value cannot change."""
    if immutable(annotation):
        return None
    origin = get_origin(annotation) or annotation
    if origin in (list, set, dict) and all(map(immutable, get_args(annotation))) and get_args(annotation):
        return COPY_METHOD  # the value's own: a dict may be a defaultdict or a Counter
    return copy.deepcopy


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
