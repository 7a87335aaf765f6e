"""A property that is made once for each object, without a lock: `functools.cached_property` has one of its class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class kept(Generic[T]):  # noqa: N801 - it is read as a decorator, like `property`
    """A property whose first value is kept in the object; it is for objects that one thread uses."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type[Any] | None = None) -> T:
        value = instance.__dict__[self._name] = self._make(instance)
        return value
