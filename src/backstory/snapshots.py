"""Snapshots: the states of long histories, kept so that they need not be folded from the first event.

A snapshot is a cache and never a truth: one that was made by other code, or does not fit, is thrown away. They live in
refs, `snapshot/<log>/<state>/<identity>`, as JSON.
"""

from __future__ import annotations

import hashlib
from functools import cache
from types import CodeType, FunctionType
from typing import Any

import msgspec
from msgspec.structs import fields

from backstory.errors import StoreError
from backstory.event import Event
from backstory.query import Query
from backstory.state import State, identity, state_type
from backstory.store import Refs

PREFIX = "snapshot/"
"""What the refs begin with: `<log>/<state>/<identity>` follows."""


class Snapshot(msgspec.Struct, frozen=True):
    """A state as it was at a position, what it had read, and the fingerprint of the code that made it."""

    fingerprint: str
    query: Query
    position: int
    state: msgspec.Raw


class Snapshots:
    """The snapshots of one log."""

    def __init__(self, refs: Refs, log: str) -> None:
        self._refs = refs
        self._prefix = f"{PREFIX}{log}/"

    def get(self, reference: State, query: Query, upto: int | None = None) -> tuple[State, int] | None:
        """The state of this identity and its position, if a snapshot is no newer than `upto` and still true."""
        name = self._name(reference)
        text = None if name is None else self._refs.get(name)
        if text is None:
            return None
        try:
            snapshot = msgspec.json.decode(text, type=Snapshot)
            if upto is not None and snapshot.position > upto:
                return None
            if snapshot.query != query or snapshot.fingerprint != fingerprint(type(reference)):
                return None
            return msgspec.json.decode(snapshot.state, type=type(reference)), snapshot.position
        except msgspec.MsgspecError:
            return None

    def keep(self, reference: State, query: Query, state: State, position: int) -> None:
        """Keep a state, unless JSON would not give back the same one. A store that cannot be written keeps none."""
        name = self._name(reference)
        try:
            data = msgspec.json.encode(state)
            if name is None or not _same(msgspec.json.decode(data, type=type(state)), state):
                return
        except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
            return
        snapshot = Snapshot(fingerprint(type(state)), query, position, msgspec.Raw(data))
        try:
            self._refs.set(name, msgspec.json.encode(snapshot).decode(), old=self._refs.get(name))
        except StoreError:
            return

    def _name(self, reference: State) -> str | None:
        """The ref of this identity; None where JSON cannot carry it."""
        try:
            key = msgspec.json.encode(list(identity(reference).values())).decode()
        except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
            return None
        return f"{self._prefix}{type(reference).__qualname__}/{key}"


@cache
def fingerprint(cls: type[State]) -> str:
    """A text that changes when a state's fields and their defaults, its methods, its events or its `version` do.

    Code that its methods call elsewhere is not seen: that is what the class attribute `version` is for.
    """
    parts: list[Any] = [cls.version, _shape(cls), _methods(cls, State)]
    for event in state_type(cls).events.values():
        upcasters = [_code(event.upcasters[version]) for version in sorted(event.upcasters)]
        parts += [event.name, event.version, _shape(event.cls), _methods(event.cls, Event), upcasters]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _shape(cls: type[Any]) -> list[Any]:
    """The fields of a class and of all classes inside it, with their defaults."""
    try:
        schema = cls.model_json_schema() if hasattr(cls, "model_json_schema") else msgspec.json.schema(cls)
    except (TypeError, ValueError):
        schema = None  # a type that JSON cannot carry, so such a state is never kept
    factories = [
        _code(field.default_factory) for field in getattr(cls, "__struct_fields__", ()) and fields(cls)
    ]
    return [schema, factories]


def _methods(cls: type[Any], base: type[Any]) -> list[Any]:
    """The code of every method, of the class and of those that it is derived from below `base`."""
    parents = [parent for parent in cls.__mro__ if not issubclass(base, parent)]
    own = [(name, value) for parent in parents for name, value in sorted(vars(parent).items())]
    return [
        (name, _code(value))
        for name, value in own
        if not name.startswith("__") or isinstance(value, FunctionType)
    ]


def _code(value: Any) -> Any:
    """What a function does, without where it stands in its file; the name of what is no function."""
    value = getattr(value, "fget", None) or getattr(value, "__func__", value)
    if isinstance(value, FunctionType):
        return [_code(value.__code__), _code(value.__defaults__), _code(value.__kwdefaults__)]
    if isinstance(value, CodeType):
        return [value.co_code, value.co_names, value.co_varnames, [_code(part) for part in value.co_consts]]
    if isinstance(value, (tuple, list)):
        return [_code(part) for part in value]
    if isinstance(value, frozenset):
        return sorted(repr(part) for part in value)  # its own order differs from process to process
    if isinstance(value, (str, int, float, bytes, complex, type(None), type(Ellipsis))):
        return repr(value)
    return getattr(value, "__name__", type(value).__name__)


def _same(one: Any, other: Any) -> bool:
    """Equal, and of the same types all the way down: a defaultdict that came back as a dict is another state."""
    if type(one) is not type(other) or one != other:
        return False
    if isinstance(one, msgspec.Struct):
        return all(_same(getattr(one, name), getattr(other, name)) for name in one.__struct_fields__)
    if isinstance(one, dict):
        return all(map(_same, one, other)) and all(map(_same, one.values(), other.values()))
    if isinstance(one, (list, tuple)):
        return all(map(_same, one, other))
    return True
