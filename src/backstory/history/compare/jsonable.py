"""States as plain JSON values, which diff, blame and search compare.

Two values are the same if their JSON is the same. So `1` differs from `true` and from `1.0`, and NaN, which JSON
does not have, is null.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

from backstory.decide.latest import Latest
from backstory.decide.state import State, identity
from backstory.errors import DefinitionError
from backstory.values.masking import event_veil, masked
from backstory.values.veil import Veil, united, veil_of

_sorted = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder().decode
ATOMS = frozenset((str, int, bool, type(None)))
"""Types whose values are their own JSON, and equal only if that is the same."""


def plain(state: Any) -> Any:
    """A state's fields as JSON values, sets as sorted lists; of `Latest` the fields' values alone.

    Raises `DefinitionError` if a field holds something that JSON cannot carry.
    """
    if isinstance(state, Latest):
        return {name: plain_value(field.value) for name, field in state.fields.items()}
    return plain_value(state)


def shown(value: Any) -> Any:
    """An event or a state as plain data for JSON, with its personal and secret parts masked, or a list or dict of them.

    It is what a web page or an answer may show: `return shown(db.load(Ticket("t-1")))`. Inside of `personal_shown()` it
    has personal values too, and never secret ones. Sets are sorted lists. Raises `DefinitionError` if a field holds
    something that JSON cannot carry.
    """
    if type(value) is dict:
        return {key_text(key): shown(part) for key, part in value.items()}
    if type(value) in (list, tuple):
        return list(map(shown, value))
    return masked(plain(value), veil_within(value))


def veil_within(state: Any) -> Veil | None:
    """The marks of a state: by its class, or for `Latest` by the events that gave its fields their values."""
    if isinstance(state, Latest):
        return united({name: part_veil(field.type, name) for name, field in state.fields.items()})
    return veil_of(type(state))


def part_veil(type: str, name: str) -> Veil | None:
    """The marks in one field of the data of an event of this type."""
    veil = event_veil(type)
    return None if veil is None else veil.at(name)


def plain_value(value: Any) -> Any:
    """Any value as JSON values, which share nothing with it that can change."""
    kind = type(value)
    if kind in ATOMS:
        return value
    if kind is float:
        return value if math.isfinite(value) else None
    if value is msgspec.UNSET:
        return None
    return _decode(encoded(value))


def encoded(value: Any) -> bytes:
    """Any value as JSON text, the same for the same value: dicts and sets in it are sorted."""
    try:
        return _sorted(value)
    except (TypeError, ValueError):
        pass  # keys that are no text
    try:
        return _sorted(msgspec.to_builtins(value, str_keys=True, order="deterministic"))
    except (TypeError, ValueError):
        return _sorted(_slowly(value))


def decoded(text: bytes) -> Any:
    """The plain value that `encoded` made text of."""
    return _decode(text)


def canonical(value: Any) -> bytes:
    """Bytes that are the same if two plain values are."""
    return _sorted(value)


def same(one: Any, other: Any) -> bool:
    """Whether two plain values are the same."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if type(one) in ATOMS:
        return bool(one == other)
    return _sorted(one) == _sorted(other)


def key_text(key: Any) -> str:
    """The name that a dict's key has in JSON."""
    if type(key) is str or type(key) is int:
        return str(key)
    try:
        [text] = msgspec.to_builtins({key: None}, str_keys=True)
        return str(text)
    except TypeError:
        return str(plain_value(key))


def _slowly(value: Any) -> Any:
    """Values that msgspec does not sort or know: mixed sets, sets of structs, deques, mappings with unusual keys."""
    if isinstance(value, msgspec.Struct):
        names = zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True)
        return {encoded: plain_value(getattr(value, name)) for name, encoded in names}
    if isinstance(value, Mapping):
        return {key_text(key): plain_value(item) for key, item in value.items()}
    if isinstance(value, AbstractSet):
        return sorted(map(plain_value, value), key=canonical)
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return [plain_value(item) for item in value]
    if fields := getattr(value, "__dataclass_fields__", None):
        return {name: plain_value(getattr(value, name)) for name in fields}
    raise DefinitionError(f"{type(value).__qualname__} cannot be shown as JSON")


def names_of(cls: type[State]) -> dict[str, str]:
    """The fields of a state class, with the names that they have in JSON."""
    return dict(zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True))


def within(cls: type[State], steps: tuple[str, ...]) -> tuple[str, ...]:
    """The steps to a part of a state of a class: a first name that is no field of it means one in `State.inside`."""
    return stepped(names_of(cls).values(), inside_of(cls), steps)


def inside_of(cls: type[State]) -> str:
    """The name in JSON of the field that is `State.inside`; empty if there is none."""
    return names_of(cls)[cls.inside] if cls.inside else ""


def stepped(fields: Collection[str], inside: str, steps: tuple[str, ...]) -> tuple[str, ...]:
    """The same of fields by their names."""
    return (inside, *steps) if inside and steps and steps[0] not in fields else steps


def words_of(reference: State) -> tuple[str, ...]:
    """A state in words, as people and addresses name it: its class and the values of its identity, or its tag."""
    if isinstance(reference, Latest):
        return (reference.tag,)
    return type(reference).__name__, *map(str, plain_value(identity(reference)).values())
