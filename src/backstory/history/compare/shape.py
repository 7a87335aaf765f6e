"""The shape of a state's JSON by its types: the lists whose elements have a key of their own."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from backstory.values.fields import hints


class Keyed(msgspec.Struct, frozen=True):
    """Says which field tells a list's elements apart: `lines: Annotated[list[Line], Keyed("sku")] = []`.

    Then diff and blame follow an element by that, wherever in the list it is.
    """

    field: str


class Shape:
    """A type's shape: the shapes of its fields, or of its items, and the key of these.

    Nested shapes are made when they are asked for, since types may contain themselves.
    """

    def __init__(self, annotation: Any = None) -> None:
        self.key: str | None = None
        self._type = self._bare(annotation)
        self._inner: Shape | dict[str, Shape] | None = None

    def step(self, name: str | int) -> Shape:
        """The shape of a field, a dict's value or a list's element."""
        if self._inner is None:
            self._inner = self._items() or self._fields()
        return self._inner if isinstance(self._inner, Shape) else self._inner.get(str(name), NO_SHAPE)

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The shape of a container's elements by its type."""
        return get_args(self._type)

    def _bare(self, annotation: Any) -> Any:
        """The type without its annotations, and without None as another choice."""
        while get_origin(annotation) in (Annotated, Union, types.UnionType):
            if get_origin(annotation) is Annotated:
                for mark in annotation.__metadata__:
                    self.key = mark.field if isinstance(mark, Keyed) else self.key
                annotation = annotation.__origin__
                continue
            choices = [part for part in get_args(annotation) if part is not types.NoneType]
            if len(choices) != 1:
                return None
            annotation = choices[0]
        return annotation

    def _items(self) -> Shape | None:
        arguments: list[Any] = list(get_args(self._type))
        origin = get_origin(self._type)
        if not isinstance(origin, type) or not arguments:
            return None
        return Shape(arguments[1] if issubclass(origin, Mapping) and len(arguments) > 1 else arguments[0])

    def _fields(self) -> dict[str, Shape]:
        if not isinstance(self._type, type):
            return {}
        annotations = hints(self._type) or {}
        own: tuple[str, ...] = getattr(self._type, "__struct_fields__", ())
        encoded: tuple[str, ...] = getattr(self._type, "__struct_encode_fields__", ())
        names: dict[str, str] = dict(zip(own, encoded, strict=True))
        return {names.get(name, name): Shape(annotation) for name, annotation in annotations.items()}


NO_SHAPE = Shape()
