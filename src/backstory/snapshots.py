"""Snapshots: the states of long histories, kept so that they need not be folded from the first event.

A snapshot is a cache and never a truth: one that was made by other code, or does not fit, is thrown away. They live in
refs, `snapshot/<log>/<state>/<identity>`, as JSON.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from types import CodeType
from typing import Any

import msgspec

from backstory.errors import StoreError
from backstory.state import State, identity, state_type
from backstory.store import Refs


class Snapshot(msgspec.Struct, frozen=True):
    """A state as it was at a position, and the fingerprint of the code that made it."""

    fingerprint: str
    position: int
    state: msgspec.Raw


class Snapshots:
    """The snapshots of one log."""

    def __init__(self, refs: Refs, log: str) -> None:
        self._refs = refs
        self._prefix = f"snapshot/{log}/"

    def get(self, reference: State, upto: int) -> tuple[State, int] | None:
        """The state of this identity and its position, if a snapshot is no newer than `upto` and still true."""
        text = self._refs.get(self._name(reference))
        if text is None:
            return None
        try:
            snapshot = msgspec.json.decode(text, type=Snapshot)
            if snapshot.position > upto or snapshot.fingerprint != fingerprint(type(reference)):
                return None
            return msgspec.json.decode(snapshot.state, type=type(reference)), snapshot.position
        except msgspec.MsgspecError:
            return None

    def keep(self, reference: State, state: State, position: int) -> None:
        """Keep a state, unless JSON would not give back the same one. A store that cannot be written keeps none."""
        try:
            data = msgspec.json.encode(state)
            if msgspec.json.decode(data, type=type(state)) != state:
                return
        except (TypeError, ValueError, msgspec.MsgspecError):
            return
        snapshot = Snapshot(fingerprint(type(state)), position, msgspec.Raw(data))
        name = self._name(reference)
        try:
            self._refs.set(name, msgspec.json.encode(snapshot).decode(), old=self._refs.get(name))
        except StoreError:
            return

    def _name(self, reference: State) -> str:
        key = msgspec.json.encode(list(identity(reference).values())).decode()
        return f"{self._prefix}{type(reference).__qualname__}/{key}"


@lru_cache(maxsize=None)
def fingerprint(cls: type[State]) -> str:
    """A text that changes when a state's fields, its `apply`, its events or its `version` do.

    Code that `apply` calls elsewhere is not seen: that is what the class attribute `version` is for.
    """
    compiled = state_type(cls)
    parts: list[Any] = [cls.version, [(field.name, repr(field.type)) for field in msgspec.structs.fields(cls)]]
    parts += _code(cls.apply.__code__)  # type: ignore[attr-defined]
    for event in compiled.events.values():
        parts += (event.name, event.version, event.cls.__struct_fields__ if hasattr(event.cls, "__struct_fields__") else "")
        for step in event.upcasters.values():
            parts += _code(step.__code__) if hasattr(step, "__code__") else [repr(step)]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _code(code: CodeType) -> list[Any]:
    """What a function does, without where it stands in its file."""
    nested = [_code(part) for part in code.co_consts if isinstance(part, CodeType)]
    constants = [repr(part) for part in code.co_consts if not isinstance(part, CodeType)]
    return [code.co_code, code.co_names, code.co_varnames, constants, nested]
