"""Between what people have in their hands and the fields of a row: dicts of JSON values, or objects of a class."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

import msgspec

from backstory.errors import DefinitionError, InvalidEvent, UnreadableEvent
from backstory.rows.events import Fields
from backstory.values.event_data import check_depth, check_text
from backstory.values.fields import hints
from backstory.values.forms import Form, free_json
from backstory.values.veil import own_veil

T = TypeVar("T")
_decode = msgspec.json.Decoder(dict[str, Any]).decode

FLAT = frozenset((str, int, bool, type(None)))
TEXT = frozenset((str,))
_encode = msgspec.json.Encoder().encode

DEEPEST = 100
"""How deep a row may be nested: blame and diff go down into it, on a stack that others use, too."""

NUMBER = re.compile(r"-?[0-9]{1,4000}")
"""The text of a key that is a whole number in the class. Python reads no text of more than 4,300 digits as one."""


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
        """The row as people get it."""
        raise NotImplementedError

    def known(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Those of the fields that a whole value of this shape speaks of."""
        return fields

    def column(self, field: str) -> str:
        """The name that a field has in the row."""
        return field

    def unique(self, fields: Iterable[str]) -> tuple[str, ...]:
        """The names in the row of fields that are to be unique."""
        return tuple(fields)


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
        what = f"{self._table}: the row"
        if not _is_flat(fields) and fields != _decode(check_depth(free_json(fields, what), what, DEEPEST)):
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
        self.cls = cls
        self._spoken = fields_of(cls)
        names = tuple(self._spoken.values())
        self.key = key = self.column(key or "id")
        if key not in names:
            known = ", ".join(names)
            raise DefinitionError(
                f"{cls.__qualname__} has no field {key!r} that says which row it is: name one, with"
                f" db.table({cls.__name__}, key=...): {known}"
            )
        if own_veil(cls) is not None:
            raise DefinitionError(
                f"{cls.__qualname__} has fields that are marked as personal or secret, which a table would not mask:"
                " write events for them"
            )
        self.names = names
        self._form = Form(cls)
        kinds = {self.column(field): kind for field, kind in (hints(cls) or {}).items()}
        self._key_is_number = _is_number(kinds.get(key))

    def split(self, value: Any) -> tuple[str | None, Fields]:
        """See `Shape`. Raises `InvalidEvent`."""
        assert self.key is not None
        if isinstance(value, Mapping):
            value = self._loaded(self._plain(value))
        if not isinstance(value, self.cls):
            raise InvalidEvent(
                f"{self._table}: a row is an object of {self.cls.__qualname__}, not of {type(value).__qualname__}"
            )
        fields = _decode(
            check_depth(self._form.encode(value, self._table), f"{self._table}: the row", DEEPEST)
        )
        return text_of(fields.pop(self.key), self._table), fields

    def made(self, key: str, fields: Mapping[str, Any]) -> T:
        """See `Shape`. Fields that the class does not have are left out. Raises `UnreadableEvent`."""
        assert self.key is not None
        known = {name: fields[name] for name in self.names if name in fields}
        known[self.key] = int(key) if self._key_is_number and NUMBER.fullmatch(key) else key
        try:
            return self._loaded(known)
        except InvalidEvent as wrong:
            raise UnreadableEvent(f"row {key} of {wrong}") from wrong

    def _loaded(self, fields: Mapping[str, Any]) -> T:
        """The object of these fields. Raises `InvalidEvent`, whose words are those of the class."""
        try:
            return cast("T", self._form.load(msgspec.json.encode(fields)))
        except Exception as wrong:
            raise InvalidEvent(f"{self._table} is no {self.cls.__qualname__}: {wrong}") from wrong

    def known(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `Shape`: fields of which the class knows nothing stay as they are."""
        return {name: value for name, value in fields.items() if name in self.names}

    def patched(self, key: str, fields: Mapping[str, Any], changes: Mapping[str, Any]) -> Fields:
        """The fields after some have other values, checked by the class. Raises `InvalidEvent`."""
        assert self.key is not None
        given = {self.column(name): value for name, value in changes.items()}
        strangers = [name for name in given if name not in self.names or name == self.key]
        if strangers:
            known = ", ".join(name for name in self.names if name != self.key)
            raise InvalidEvent(f"{self._table} has no field {strangers[0]!r} to change; it has {known}")
        try:
            value = self.made(key, {**fields, **self._plain(given)})
        except UnreadableEvent as wrong:
            raise InvalidEvent(str(wrong)) from wrong
        return self.split(value)[1]

    def _plain(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Fields that somebody has given, as JSON values. Raises `InvalidEvent` for what JSON does not have."""
        try:
            plain: dict[str, Any] = msgspec.to_builtins(dict(given), str_keys=True, enc_hook=_builtins)
        except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as wrong:
            raise InvalidEvent(f"{self._table}: {wrong}") from wrong
        free_json(plain, f"{self._table}: the row")
        return plain

    def column(self, field: str) -> str:
        """See `Shape`."""
        return self._spoken.get(field, field)

    def unique(self, fields: Iterable[str]) -> tuple[str, ...]:
        """See `Shape`. Raises `DefinitionError` for a field that the class does not have."""
        found = tuple(map(self.column, fields))
        for name in found:
            if name not in self.names:
                known = ", ".join(self.names)
                raise DefinitionError(f"{self._table} has no field {name!r} to be unique; it has {known}")
        return found


def _builtins(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__qualname__} cannot be written as JSON")


def _is_flat(fields: Mapping[Any, Any]) -> bool:
    """Whether a row surely comes back the same: without floats, containers, and text that is none. Most rows are."""
    if not (FLAT.issuperset(map(type, fields.values())) and TEXT.issuperset(map(type, fields))):
        return False
    try:
        _encode(fields)
    except ValueError:
        return False
    return True


def _is_number(annotation: Any) -> bool:
    """Whether values of a type are whole numbers."""
    while (
        bare := getattr(annotation, "__supertype__", getattr(annotation, "__origin__", annotation))
    ) != annotation:
        annotation = bare
    return isinstance(annotation, type) and issubclass(annotation, int)


def names(given: str | Iterable[str], what: str) -> tuple[str, ...]:
    """Names of fields; a text is one of them. Raises `TypeError`."""
    found = (given,) if isinstance(given, str) else tuple(given)
    for each in found:
        if not isinstance(each, str):
            raise TypeError(f"{what} has names of fields, and {each!r} is none")
    return found


def text_of(key: Any, table: str) -> str:
    """The text of a key. Raises `InvalidEvent`."""
    if isinstance(key, bool) or not isinstance(key, (str, int, UUID)) or key == "":
        raise InvalidEvent(f"{table}: the key of a row is text, a whole number or a UUID, not {key!r}")
    return check_text(str(key), f"{table}: the key")


def name_of(cls: type[Any]) -> str:
    """The name of the table of a class, if nobody gives it another one: `CustomerOrder` has `customer_order`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()


def fields_of(cls: type[Any]) -> dict[str, str]:
    """The fields of a class, with the names that they have in JSON. Raises `DefinitionError`."""
    if hasattr(cls, "__struct_encode_fields__"):
        if cls.__struct_config__.array_like:
            raise DefinitionError(f"{cls.__qualname__} is written as an array, and a row has names of fields")
        return dict(zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True))
    if hasattr(cls, "model_fields"):
        aliased = cls.model_config.get("serialize_by_alias", False)
        return {
            name: (field.serialization_alias or field.alias or name) if aliased else name
            for name, field in cls.model_fields.items()
        }
    if hasattr(cls, "__attrs_attrs__"):
        return {each.name: each.name for each in cls.__attrs_attrs__}
    if dataclasses.is_dataclass(cls):
        return {each.name: each.name for each in dataclasses.fields(cls)}
    raise DefinitionError(
        f"{getattr(cls, '__qualname__', cls)} is no class of rows: a dataclass, a struct, an attrs class or a pydantic"
        " model is one, and the name of an untyped table is a text"
    )
