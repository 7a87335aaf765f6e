"""Times without a time zone, which mean another moment on each machine: no field holds one unless its type says so.

    opened: datetime                                       # refuses datetime.now(), takes datetime.now(UTC)
    opens: Annotated[datetime, msgspec.Meta(tz=False)]     # the time on a clock on the wall, wherever that hangs

Types alone cannot say it: `datetime` is both. So the fields that may hold one are found once for each class, and their
values are looked at when they are written. A stored value is read as it is.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, TypeAlias, TypeVar, get_args, get_origin, is_typeddict

import msgspec

from backstory.values.fields import hints
from backstory.values.parts import parts

Found: TypeAlias = tuple[str, datetime.datetime]
"""The way to a time without a zone, such as `.lines[2].at`, and the time."""

Check: TypeAlias = Callable[[Any], Found | None]
"""From a value to the first time in it that has no zone and should have one."""


def check_of(annotation: Any) -> Check | None:
    """The check for values of a type; None if the type holds no time, or says itself which times it takes."""
    return _check(annotation, {}, {})


def is_wall_time(annotation: Any) -> bool:
    """Whether a type says that its times have no zone."""
    if any(
        isinstance(mark, msgspec.Meta) and mark.tz is False
        for mark in getattr(annotation, "__metadata__", ())
    ):
        return True
    return any(map(is_wall_time, get_args(annotation)))


def _check(annotation: Any, known: dict[Any, Check], variables: Mapping[Any, Check | None]) -> Check | None:
    annotation = getattr(annotation, "__value__", annotation)  # of a `type` statement
    annotation = getattr(annotation, "__supertype__", annotation)  # of a NewType
    if annotation is datetime.datetime:
        return _itself
    if isinstance(annotation, TypeVar):
        return variables.get(annotation)
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *marks = get_args(annotation)
        says = any(isinstance(mark, msgspec.Meta) and mark.tz is not None for mark in marks)
        return None if says else _check(inner, known, variables)
    inside = [_check(part, known, variables) for part in get_args(annotation)]
    if _has_fields(origin or annotation):
        given = zip(getattr(origin, "__parameters__", ()), inside, strict=False)
        return _of_class(origin or annotation, known, dict(given))
    checks = [check for check in inside if check is not None]
    return _Inside(checks) if checks else None


def _has_fields(cls: Any) -> bool:
    fields = ("__struct_fields__", "__dataclass_fields__", "__attrs_attrs__", "model_fields", "_fields")
    return isinstance(cls, type) and (is_typeddict(cls) or any(hasattr(cls, name) for name in fields))


def _of_class(cls: Any, known: dict[Any, Check], variables: Mapping[Any, Check | None]) -> Check | None:
    key = (cls, *map(id, variables.values()))
    if key in known:
        return known[key]
    found = known[key] = _Fields(cls)  # before its fields are looked at, which may be of this class
    for name, hint in (hints(cls) or {}).items():
        check = _check(hint, known, variables)
        if check is not None:
            found.checks[name] = check
    return found if found.checks else None


def _itself(value: Any) -> Found | None:
    return ("", value) if isinstance(value, datetime.datetime) and value.tzinfo is None else None


class _Inside:
    """The check of a union or a container: each part of a value, and the value, may be of each of its types."""

    def __init__(self, checks: list[Check]) -> None:
        self._checks = checks

    def __call__(self, value: Any) -> Found | None:
        for place, part in _inside(value):
            for check in self._checks:
                found = check(part)
                if found is not None:
                    return place + found[0], found[1]
        return None


def _inside(value: Any) -> Iterator[tuple[str, Any]]:
    """A value and, of a container, its elements, with the way to each; the keys of a dict too."""
    yield "", value
    if isinstance(value, (set, frozenset)):
        for item in value:
            yield "[...]", item
    if isinstance(value, (dict, list, tuple)):
        yield from (parts(value) or {}).items()
    if isinstance(value, dict):
        for key in value:
            yield f"[{key!r}]", key


class _Fields:
    """The check of a class with fields."""

    def __init__(self, cls: type[Any]) -> None:
        self._cls = dict if is_typeddict(cls) else cls
        self.checks: dict[str, Check] = {}

    def __call__(self, value: Any) -> Found | None:
        if not isinstance(value, self._cls):
            return None
        for name, check in self.checks.items():
            part = value.get(name) if self._cls is dict else getattr(value, name, None)
            found = check(part)
            if found is not None:
                return f".{name}{found[0]}", found[1]
        return None
