"""The events that a command may give, by its return annotation."""

from __future__ import annotations

import types
from collections import abc
from typing import Any, get_args, get_origin

from backstory.errors import DefinitionError
from backstory.values.event import Event
from backstory.values.event_types import event_classes

ANY_EVENT = (Any, None, types.NoneType, list, tuple, abc.Iterator, abc.Iterable, abc.Generator, abc.Sequence)
"""Return annotations that name no event class."""


def given_events(annotation: Any, name: str) -> tuple[type[Any], ...]:
    """The event classes inside a return annotation such as `Iterator[A | B]`, `list[A]`, `A | None`; none: any."""
    while hasattr(annotation, "__value__"):  # of a `type` statement
        annotation = annotation.__value__
    if annotation in ANY_EVENT:
        return ()
    origin = get_origin(annotation)
    if origin is not None:
        parts = get_args(annotation)
        if origin is abc.Generator:
            parts = parts[:1]
        found = [given_events(part, name) for part in parts if part not in (Ellipsis, types.NoneType)]
        return () if () in found else tuple(cls for classes in found for cls in classes)
    if annotation is Event:
        return (annotation,)
    try:
        return tuple(event_classes(annotation))
    except DefinitionError as wrong:
        raise DefinitionError(f"{name}: its return annotation: {wrong}") from None
