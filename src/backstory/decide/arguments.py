"""How a command is recorded: its arguments as plain JSON values that come back, states by their identity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_type_hints

import msgspec

from backstory.decide.state import State, state_type
from backstory.values.forms import Form

if TYPE_CHECKING:
    from backstory.decide.commands import CommandType


class Arguments:
    """The arguments of one command, compiled: all but those that are withheld, which are named."""

    def __init__(self, kind: CommandType[...]) -> None:
        self._name = kind.name
        self._references = {parameter: _reference_form(cls) for parameter, cls in kind.states.items()}
        kinds = {**kind.plain, **self._references}
        self._names = [name for name in kind.signature.parameters if name not in kind.withheld]
        self._record = msgspec.defstruct(kind.name, [(name, kinds[name]) for name in self._names])
        self._form = Form(self._record, kind.veil)
        beside = {"states": list(kind.states)} | ({"withheld": list(kind.withheld)} if kind.withheld else {})
        self._before = b'{"name":' + msgspec.json.encode(kind.name) + b',"arguments":'
        self._after = b"," + msgspec.json.encode(beside)[1:]

    def recorded(self, arguments: Mapping[str, Any]) -> bytes:
        """A command with these arguments, as JSON. Raises `InvalidEvent`."""
        given = {**arguments}
        for name, kind in self._references.items():
            given[name] = kind(*[getattr(arguments[name], field) for field in kind.__struct_fields__])
        record = self._record(*[given[name] for name in self._names])
        return self._before + self._form.encode(record, self._name) + self._after


def _reference_form(cls: type[State]) -> type[Any]:
    """The recorded form of a state of this class: its identity."""
    annotations = get_type_hints(cls, include_extras=True)
    return msgspec.defstruct(cls.__name__, [(name, annotations[name]) for name in state_type(cls).identity])
