"""JSON in which the elements of a set have one order: Python's own differs from one process to the next."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


def settled(value: Any, text: bytes) -> bytes:
    """`text`, the JSON of `value`, with the elements of every set in it sorted by their encoded form."""
    if b"[" not in text or text.startswith(b'"'):
        return text
    if getattr(type(value), "__pydantic_root_model__", False):
        value = value.root
    if text.startswith(b"["):
        elements = _elements(text)
        parts = _in_order(value, len(elements))
        if parts is None:
            return text
        texts = list(map(settled, parts, map(bytes, elements)))
        return b"[%s]" % b",".join(sorted(texts) if isinstance(value, AbstractSet) else texts)
    members = _members(text)
    texts = list(map(settled, _by_key(value, members), map(bytes, members.values())))
    return _encode(dict(zip(members, map(msgspec.Raw, texts), strict=True)))


def _in_order(value: Any, count: int) -> Collection[Any] | None:
    """The parts of a value that JSON has as an array of so many elements; None if they cannot be told."""
    names = getattr(type(value), "__struct_fields__", None)
    if names is not None:  # of a struct that is written as an array, perhaps with a tag at the front
        return [*[None] * (count - len(names)), *[getattr(value, name) for name in names]]
    return value if isinstance(value, Collection) and len(value) == count else None


def _by_key(value: Any, keys: Collection[str]) -> list[Any]:
    """The parts of a value that JSON has as an object with these keys; None for a part that cannot be told."""
    if isinstance(value, Mapping):
        return list(value.values()) if len(value) == len(keys) else [None] * len(keys)
    names = _names(type(value))
    return [getattr(value, names.get(key, key), None) for key in keys]


def _names(cls: type[Any]) -> dict[str, str]:
    """The names of the fields that JSON has under other keys, by these keys."""
    if hasattr(cls, "__struct_encode_fields__"):
        return dict(zip(cls.__struct_encode_fields__, cls.__struct_fields__, strict=True))
    fields = getattr(cls, "model_fields", {})
    return {field.serialization_alias or name: name for name, field in fields.items()}
