"""The JSON Schema of an event class: the form of the stored data of its events.

For msgspec's types it is made here, because `msgspec.json.schema` gives the same for a `datetime` and a `str`, and for
`dict[int, str]` and `dict[str, str]`; and because a lock must not change with msgspec's version. Titles and docstrings
are left out: they change nothing. Beyond the standard, `x-timezone` says whether a time must have a zone, or none.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import inspect

from backstory.values.event_types import EventType

Schema = dict[str, Any]

WORDS = ("title", "description", "examples", "deprecated", "discriminator", "$comment")
"""Keywords that are for people, or that repeat other keywords."""

BOUNDS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
}

SIMPLE: dict[type[inspect.Type], Schema] = {
    inspect.AnyType: {},
    inspect.RawType: {},
    inspect.NoneType: {"type": "null"},
    inspect.BoolType: {"type": "boolean"},
    inspect.DateType: {"type": "string", "format": "date"},
    inspect.TimeDeltaType: {"type": "string", "format": "duration"},
    inspect.UUIDType: {"type": "string", "format": "uuid"},
    inspect.DecimalType: {"type": "string", "format": "decimal"},
}


def event_schema(kind: EventType) -> Schema:
    """The schema of an event's data. Raises `TypeError` for a field that no schema describes."""
    return class_schema(kind.cls)


def class_schema(cls: Any) -> Schema:
    """The schema of the objects of a class, as `event_schema`."""
    if hasattr(cls, "model_json_schema"):
        schema: Schema = without_words(cls.model_json_schema())
        return schema
    shaper = Shaper()
    schema = shaper.fields(inspect.type_info(cls))
    return {**schema, "$defs": dict(sorted(shaper.defs.items()))} if shaper.defs else schema


def event_tags(kind: EventType) -> dict[str, str]:
    """The key under which each field tags, by the field's name in the stored data."""
    try:
        stored = {field.name: field.encode_name for field in msgspec.structs.fields(kind.cls)}
    except TypeError:
        stored = {}
    return {stored.get(field.name, field.name): field.key for field in kind.tag_fields}


def without_words(schema: Any, *, names: bool = False) -> Any:
    """A schema without keywords for people; with `names`, its keys are the names of fields, not keywords."""
    if isinstance(schema, list):
        return [without_words(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: part
        if key in ("default", "enum", "const") and not names
        else without_words(part, names=not names and key in ("properties", "$defs"))
        for key, part in schema.items()
        if names or key not in WORDS
    }


class Shaper:
    """Makes schemas of types; `defs` gathers the classes inside, which may refer to themselves."""

    def __init__(self) -> None:
        self.defs: dict[str, Schema] = {}
        self._names: dict[Any, str] = {}

    def schema(self, info: inspect.Type) -> Schema:
        """The schema of any type."""
        match info:
            case inspect.Metadata():
                return self.schema(info.type)
            case inspect.UnionType():
                return {"anyOf": [self.schema(part) for part in info.types]}
            case (
                inspect.StructType()
                | inspect.DataclassType()
                | inspect.TypedDictType()
                | inspect.NamedTupleType()
            ):
                return {"$ref": f"#/$defs/{self._define(info)}"}
            case inspect.TupleType():
                parts = [self.schema(part) for part in info.item_types]
                return {"type": "array", "prefixItems": parts, "items": False, "minItems": len(parts)}
        return (
            self._container(info)
            if hasattr(info, "item_type") or hasattr(info, "key_type")
            else _scalar(info)
        )

    def _container(self, info: Any) -> Schema:
        if hasattr(info, "key_type"):
            keys = self._key(info.key_type)
            names = {} if keys == {"type": "string"} else {"propertyNames": keys}
            values = {"additionalProperties": self.schema(info.value_type)}
            return {"type": "object", **values, **names, **_lengths(info, "Properties")}
        unique = {"uniqueItems": True} if isinstance(info, (inspect.SetType, inspect.FrozenSetType)) else {}
        return {"type": "array", "items": self.schema(info.item_type), **_lengths(info, "Items"), **unique}

    def _key(self, info: inspect.Type) -> Schema:
        """The schema of a dict's keys, which JSON always writes as text."""
        schema = self.schema(info)
        if schema.get("type") in ("integer", "number"):
            return {**schema, "type": "string", "format": schema["type"]}
        return schema

    def _define(self, info: Any) -> str:
        cls = info.cls
        if cls not in self._names:
            name = cls.__name__
            while name in self.defs:
                name += "_"
            self._names[cls] = name
            self.defs[name] = {}
            self.defs[name] = self.fields(info)
        return self._names[cls]

    def fields(self, info: Any) -> Schema:
        """The schema of a class with fields: an object, or an array if it is stored as one."""
        tag = getattr(info, "tag_field", None)
        parts = {} if tag is None else {tag: {"const": info.tag}}
        required = [] if tag is None else [tag]
        for field in info.fields:
            parts[field.encode_name] = {**self.schema(field.type), **_default(field)}
            if field.required:
                required.append(field.encode_name)
        if isinstance(info, inspect.NamedTupleType) or getattr(info, "array_like", False):
            return {
                "type": "array",
                "prefixItems": list(parts.values()),
                "items": False,
                "minItems": len(required),
            }
        closed = {"additionalProperties": False} if getattr(info, "forbid_unknown_fields", False) else {}
        return {"type": "object", "properties": parts, "required": sorted(required), **closed}


def _scalar(info: Any) -> Schema:
    """The schema of a type that holds no others."""
    match info:
        case inspect.IntType() | inspect.FloatType():
            bounds = {
                word: value for name, word in BOUNDS.items() if (value := getattr(info, name)) is not None
            }
            return {"type": "integer" if isinstance(info, inspect.IntType) else "number", **bounds}
        case inspect.StrType():
            pattern = {} if info.pattern is None else {"pattern": info.pattern}
            return {"type": "string", **_lengths(info, "Length"), **pattern}
        case inspect.BytesType() | inspect.ByteArrayType():
            return {"type": "string", "format": "base64", **_lengths(info, "Bytes")}
        case inspect.DateTimeType() | inspect.TimeType():
            zone = {} if info.tz is None else {"x-timezone": "required" if info.tz else "forbidden"}
            form = "time" if isinstance(info, inspect.TimeType) else "date-time"
            return {"type": "string", "format": form, **zone}
        case inspect.LiteralType() | inspect.EnumType():
            values = (
                info.values if isinstance(info, inspect.LiteralType) else [each.value for each in info.cls]
            )
            return {
                "enum": sorted(values, key=lambda value: (type(value).__name__, value is not None and value))
            }
    if type(info) in SIMPLE:
        return dict(SIMPLE[type(info)])
    raise TypeError(f"no schema describes {info!r}")


def _lengths(info: Any, what: str) -> Schema:
    bounds = {f"min{what}": info.min_length, f"max{what}": info.max_length}
    return {word: bound for word, bound in bounds.items() if bound is not None}


def _default(field: inspect.Field) -> Schema:
    """The value of a field that stored data lacks, if it is always the same."""
    value = field.default
    if field.default_factory in (list, dict, set, frozenset, tuple, bytearray):
        value = field.default_factory()
    if field.required or value is msgspec.NODEFAULT or value is msgspec.UNSET:
        return {}
    try:
        return {"default": msgspec.json.decode(msgspec.json.encode(value))}
    except (TypeError, ValueError, msgspec.MsgspecError):
        return {"default": repr(value)}
