"""The parts of a value, in objects of every library, and the way to each, such as `lines[2].price`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def fields(value: Any) -> dict[str, Any] | None:
    """The fields of a struct, dataclass, attrs or pydantic instance, in order; None for any other value."""
    cls = type(value)
    if hasattr(cls, "__struct_fields__"):
        names: Iterable[str] = cls.__struct_fields__
    elif hasattr(cls, "__dataclass_fields__"):
        from dataclasses import fields as dataclass_fields  # it loads much, for which no verb has to wait

        names = [field.name for field in dataclass_fields(cls)]
    elif hasattr(cls, "__attrs_attrs__"):
        names = [field.name for field in cls.__attrs_attrs__]
    elif hasattr(cls, "model_fields"):
        names = cls.model_fields
    else:
        return None
    return {name: getattr(value, name) for name in names}


def parts(value: Any) -> dict[str, Any] | None:
    """The parts of a value, by the way to each; None for a value that is taken as a whole."""
    if isinstance(value, dict):
        return {f"[{key!r}]": part for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return {f"[{index}]": part for index, part in enumerate(value)}
    named = fields(value)
    return None if named is None else {f".{name}": part for name, part in named.items()}
