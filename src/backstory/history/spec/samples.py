"""A value of a type, as JSON, for an argument that was not recorded because it is secret."""

from __future__ import annotations

import re
from inspect import Parameter
from typing import Any

import msgspec
from msgspec import inspect

from backstory.decide.commands import CommandType
from backstory.errors import InputError
from backstory.values.privacy import unmarked

TEXT = "s3cret"
TEXTS = ("1234567890" * 4, "secretword" * 4, "SECRETWORD" * 4, "5ec2e7a0b1" * 4, "S3cretWord" * 4)

VALUES: dict[type[inspect.Type], Any] = {
    inspect.AnyType: TEXT,
    inspect.NoneType: None,
    inspect.BoolType: True,
    inspect.BytesType: "czNjcmV0",
    inspect.DateType: "2001-02-03",
    inspect.TimeType: "12:00:00",
    inspect.TimeDeltaType: "PT60S",
    inspect.UUIDType: "5ec2e7a0-0000-4000-8000-000000000001",
    inspect.DecimalType: "1",
    inspect.DictType: {},
}


def sample(command: CommandType[...], argument: str) -> Any:
    """A value that an argument of a command may have: its default, else one of its type.

    Raises `InputError` for a type of which none is known.
    """
    name = command.renamed.get(argument, argument)
    try:
        default = command.signature.parameters[name].default
        if default is not Parameter.empty:
            return msgspec.to_builtins(default)
        return _of(inspect.type_info(unmarked(command.plain[name])))
    except (KeyError, LookupError, TypeError):
        raise InputError(
            f"the argument `{argument}` of {command.name} was not recorded, and no other value of its type is known"
        ) from None


def _of(info: inspect.Type) -> Any:
    match info:
        case inspect.Metadata():
            return _of(info.type)
        case inspect.UnionType():
            return _of(next(part for part in info.types if not isinstance(part, inspect.NoneType)))
        case inspect.TupleType():
            return [_of(part) for part in info.item_types]
        case inspect.ListType() | inspect.SetType() | inspect.FrozenSetType() | inspect.VarTupleType():
            return [_of(info.item_type)] * (info.min_length or 0)
        case inspect.StructType() | inspect.DataclassType() | inspect.TypedDictType():
            return {field.encode_name: _of(field.type) for field in info.fields if field.required}
    return _simple(info)


def _matching(pattern: str) -> str:
    """A text in which a pattern is found: letters, digits or both, of up to 40. Raises `LookupError`."""
    tried = (text[:length] for length in range(1, 41) for text in TEXTS)
    found = next((text for text in (TEXT, *tried) if re.search(pattern, text)), None)
    if found is None:
        raise LookupError(pattern)
    return found


def _simple(info: inspect.Type) -> Any:
    match info:
        case inspect.StrType():
            found = TEXT.ljust(info.min_length or 0, "0")[: info.max_length]
            return found if info.pattern is None else _matching(info.pattern)
        case inspect.IntType() | inspect.FloatType():
            low = info.ge if info.ge is not None else 1 if info.gt is None else info.gt + 1
            return low if info.le is None else min(low, info.le)
        case inspect.DateTimeType():
            return "2001-02-03T12:00:00" if info.tz is False else "2001-02-03T12:00:00Z"
        case inspect.EnumType():
            return next(iter(info.cls)).value
        case inspect.LiteralType():
            return info.values[0]
    return VALUES[type(info)]
