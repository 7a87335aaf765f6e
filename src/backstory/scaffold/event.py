"""Events as generated code names them: those that it defines, and those that the application has."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Mapping, Sequence
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

from backstory.errors import ScaffoldError
from backstory.scaffold import code
from backstory.scaffold.field import KINDS, Field
from backstory.scaffold.names import snake
from backstory.values.event_types import EventType
from backstory.values.fields import hints

EMPTY: Mapping[Any, str] = {list: "[]", dict: "{}", set: "set()", tuple: "()", frozenset: "frozenset()"}
"""Containers, as Python writes empty ones."""


class NamedEvent(NamedTuple):
    """An event as code names it: module, class, tags, plain fields, and the arguments of one for a test."""

    module: str
    name: str
    tags: tuple[str, ...]
    fields: tuple[Field, ...]
    samples: tuple[tuple[str, str], ...]
    imports: frozenset[str]

    @property
    def full_name(self) -> str:
        """The name to import."""
        return f"{self.module}.{self.name}"

    @property
    def flag(self) -> str:
        """The field of a state that says that it happened: `order_placed`."""
        return snake(self.name, "an event")

    def arguments(self, identity: str) -> list[str]:
        """The arguments of one for a test; all that are about the same thing have the same value of its identity."""
        samples = dict(self.samples)
        if identity in samples:
            samples[identity] = f'"{identity}-1"'
        return code.named(samples.items())


def defined(module: str, name: str, fields: Sequence[Field]) -> NamedEvent:
    """A new event, whose first field is its tag."""
    tag, *plain = fields
    return NamedEvent(
        module,
        name,
        (tag.name,),
        tuple(plain),
        tuple((field.name, field.sample) for field in fields),
        frozenset().union(*(field.sample_imports for field in fields)),
    )


def of(kind: EventType) -> NamedEvent:
    """An event of the application. Raises `ScaffoldError` if a test cannot write one."""
    annotations = hints(kind.cls) or {}
    tags = tuple(field.name for field in kind.tag_fields)
    fields, samples, imports = [], [], set()
    for name, parameter in inspect.signature(kind.cls).parameters.items():
        annotation = _bare(annotations.get(name))
        known = getattr(annotation, "__name__", "") if isinstance(annotation, type) else ""
        field = Field(name, known) if known in KINDS else None
        if field is not None and name not in tags:
            fields.append(field)
        if parameter.default is parameter.empty:
            sample, needed = (
                (field.sample, field.sample_imports) if field else _sample(kind, name, annotation)
            )
            samples.append((name, sample))
            imports |= needed
    return NamedEvent(
        kind.cls.__module__, kind.cls.__qualname__, tags, tuple(fields), tuple(samples), frozenset(imports)
    )


def _sample(kind: EventType, name: str, annotation: Any) -> tuple[str, set[str]]:
    origin, parts = get_origin(annotation) or annotation, get_args(annotation)
    if origin in (Union, UnionType) and NoneType in parts:
        return "None", set()
    if origin in EMPTY:
        return EMPTY[origin], set()
    if origin is Literal:
        return repr(parts[0]).replace("'", '"'), set()
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return f"{annotation.__name__}.{next(iter(annotation)).name}", {
            f"{annotation.__module__}.{annotation.__name__}"
        }
    raise ScaffoldError(
        f"{kind.name}: a test cannot make up a value of {name}; write this slice by hand, or give the field a default"
    )


def _bare(annotation: Any) -> Any:
    """An annotation without `Annotated`, which marks tags."""
    while get_origin(annotation) is typing.Annotated:
        annotation = get_args(annotation)[0]
    return annotation
