"""Between what people have in their hands and the fields of a row: dicts of JSON values, or objects of a class."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

import msgspec

from backstory.errors import DefinitionError, InvalidEvent, UnreadableEvent
from backstory.rows.events import Fields
from backstory.values.fields import hints
from backstory.values.forms import Form, free_json
from backstory.values.veil import own_veil

T = TypeVar("T")
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Found(dict[str, Any]):
    """A row of an untyped table: its fields, and its key."""

    __slots__ = ("key",)

    def __init__(self, key: str, fields: Mapping[str, Any]) -> None:
        super().__init__(fields)
        self.key = key

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy has the key, too."""
        return Found, (self.key, dict(self))


class Shape(Generic[T]):
    """The form of the rows of a table; `key` is the field that says which row it is, which the row does not repeat."""

    key: str | None

    def split(self, value: Any) -> tuple[str | None, Fields]:
        """The key that a value has in itself, if there is such a field, and the fields beside it."""
        raise NotImplementedError

    def made(self, key: str, fields: Mapping[str, Any]) -> T:
        """What people get of a row."""
        raise NotImplementedError

    def known(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Those of the fields that a whole value of this shape speaks of."""
        return fields


class Plain(Shape[Found]):
    """Rows as dicts of JSON values."""

    def __init__(self, table: str, key: str | None) -> None:
        self._table = table
        self.key = key

    def split(self, value: Any) -> tuple[str | None, Fields]:
        """See `Shape`. Raises `InvalidEvent` for what JSON would not give back the same."""
        if not isinstance(value, Mapping):
            raise InvalidEvent(f"{self._table}: a row is a dict of its fields, not {type(value).__name__}")
        fields = dict(value)
        key = fields.pop(self.key, None) if self.key is not None else None
        if fields != _decode(free_json(fields, f"{self._table}: the row")):
            raise InvalidEvent(
                f"{self._table}: a row without a class has JSON values: text, numbers, true, false, None, lists and"
                " dicts of these. Declare a class for others: db.table(Customer)"
            )
        return None if key is None else text_of(key, self._table), fields

    def made(self, key: str, fields: Mapping[str, Any]) -> Found:
        """See `Shape`."""
        return Found(key, fields if self.key is None else {self.key: key, **fields})


class Typed(Shape[T]):
    """Rows as objects of a dataclass, a struct, an attrs class or a pydantic model."""

    def __init__(self, table: str, cls: type[T], key: str | None) -> None:
        self._table = table
        self._cls = cls
        names = fields_of(cls)
        self.key = key = "id" if key is None and "id" in names else key
        if key is None or key not in names:
            known = ", ".join(names)
            raise DefinitionError(
                f"{cls.__qualname__} has no field {key or 'id'!r} that says which row it is: name one, with"
                f" db.table({cls.__name__}, key=...): {known}"
            )
        if own_veil(cls) is not None:
            raise DefinitionError(
                f"{cls.__qualname__} has fields that are marked as personal or secret, which a table would not mask:"
                " write events for them"
            )
        self._names = names
        self._form = Form(cls)
        self._key_is_text = (hints(cls) or {}).get(key) is str

    def split(self, value: Any) -> tuple[str | None, Fields]:
        """See `Shape`. Raises `InvalidEvent`."""
        assert self.key is not None
        if isinstance(value, Mapping):
            value = self._loaded(value)
        if not isinstance(value, self._cls):
            raise InvalidEvent(
                f"{self._table}: a row is an object of {self._cls.__qualname__}, not of {type(value).__qualname__}"
            )
        fields = _decode(self._form.encode(value, self._table))
        return text_of(fields.pop(self.key), self._table), fields

    def made(self, key: str, fields: Mapping[str, Any]) -> T:
        """See `Shape`. Fields that the class does not have are left out. Raises `UnreadableEvent`."""
        assert self.key is not None
        known = {name: fields[name] for name in self._names if name in fields}
        known[self.key] = key if self._key_is_text else _number(key)
        try:
            return self._loaded(known)
        except InvalidEvent as wrong:
            raise UnreadableEvent(f"row {key} of {wrong}") from wrong

    def _loaded(self, fields: Mapping[str, Any]) -> T:
        """The object of these fields. Raises `InvalidEvent`, whose words are those of the class."""
        try:
            return cast("T", self._form.load(msgspec.json.encode(fields, enc_hook=_builtins)))
        except Exception as wrong:
            raise InvalidEvent(f"{self._table} is no {self._cls.__qualname__}: {wrong}") from wrong

    def known(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `Shape`: fields of which the class knows nothing stay as they are."""
        return {name: value for name, value in fields.items() if name in self._names}

    def patched(self, key: str, fields: Mapping[str, Any], changes: Mapping[str, Any]) -> Fields:
        """The fields after some have other values, checked by the class. Raises `InvalidEvent`."""
        assert self.key is not None
        strangers = [name for name in changes if name not in self._names or name == self.key]
        if strangers:
            known = ", ".join(name for name in self._names if name != self.key)
            raise InvalidEvent(f"{self._table} has no field {strangers[0]!r} to change; it has {known}")
        try:
            given = msgspec.to_builtins(dict(changes), enc_hook=_builtins)
            value = self.made(key, {**fields, **given})
        except (UnreadableEvent, TypeError) as wrong:
            raise InvalidEvent(str(wrong)) from wrong
        return self.split(value)[1]


def _builtins(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__qualname__} cannot be written as JSON")


def _number(key: str) -> Any:
    """A key that is no text in the class: a whole number, or what the class makes of text, such as a UUID."""
    return int(key) if key.lstrip("-").isdecimal() else key


def text_of(key: Any, table: str) -> str:
    """The text of a key. Raises `InvalidEvent`."""
    if isinstance(key, bool) or not isinstance(key, (str, int, UUID)) or key == "":
        raise InvalidEvent(f"{table}: the key of a row is text, a whole number or a UUID, not {key!r}")
    return str(key)


def fields_of(cls: type[Any]) -> tuple[str, ...]:
    """The fields of a class, by the names that they have in JSON. Raises `DefinitionError`."""
    if hasattr(cls, "__struct_encode_fields__"):
        return tuple(cls.__struct_encode_fields__)
    if hasattr(cls, "model_fields"):
        return tuple(cls.model_fields)
    if hasattr(cls, "__attrs_attrs__"):
        return tuple(each.name for each in cls.__attrs_attrs__)
    if dataclasses.is_dataclass(cls):
        return tuple(each.name for each in dataclasses.fields(cls))
    raise DefinitionError(
        f"{getattr(cls, '__qualname__', cls)} is no class of rows: a dataclass, a struct, an attrs class or a pydantic"
        " model is one, and the name of an untyped table is a text"
    )
