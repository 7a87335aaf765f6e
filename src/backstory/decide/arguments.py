"""How a command is recorded: its arguments as plain JSON values that come back, states by their identity."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, get_type_hints

import msgspec

from backstory.decide.parameters import Shape
from backstory.decide.state import State, state_type
from backstory.values.forms import Form

if TYPE_CHECKING:
    from backstory.decide.commands import CommandType


class Arguments:
    """The arguments of one command, compiled: all but those that are withheld, which are named."""

    def __init__(self, kind: CommandType[...]) -> None:
        self._name = kind.name
        self._states = kind.states
        self._references = {name: _reference_form(state.cls) for name, state in kind.states.items()}
        forms = {name: _shaped(kind.states[name].shape, form) for name, form in self._references.items()}
        kinds = {**kind.plain, **forms}
        self._names = [
            name for name in kind.signature.parameters if name in kinds and name not in kind.withheld
        ]
        self._record = msgspec.defstruct(kind.name, [(name, kinds[name]) for name in self._names])
        self._form = Form(self._record, kind.veil)
        beside = {"states": list(kind.states)} | ({"withheld": list(kind.withheld)} if kind.withheld else {})
        self._before = b'{"name":' + msgspec.json.encode(kind.name) + b',"arguments":'
        self._after = b"," + msgspec.json.encode(beside)[1:]

    def recorded(self, arguments: Mapping[str, Any]) -> bytes:
        """A command with these arguments, as JSON. Raises `InvalidEvent`."""
        given = {**arguments}
        for name, form in self._references.items():
            state, value = self._states[name], arguments[name]
            if state.shape is Shape.ONE:
                given[name] = _identified(form, value)
            else:
                given[name] = state.each(value, partial(_identified, form))
        record = self._record(*[given[name] for name in self._names])
        return self._before + self._form.encode(record, self._name) + self._after


def _identified(form: type[Any], state: State) -> Any:
    return form(*[getattr(state, name) for name in form.__struct_fields__])


def _shaped(shape: Shape, form: type[Any]) -> Any:
    """The recorded form of a parameter of this shape."""
    if shape is Shape.MANY:
        return list[form]  # type: ignore[valid-type]
    return form | None if shape is Shape.OPTIONAL else form


def _reference_form(cls: type[State]) -> type[Any]:
    """The recorded form of a state of this class: its identity."""
    annotations = get_type_hints(cls, include_extras=True)
    return msgspec.defstruct(cls.__name__, [(name, annotations[name]) for name in state_type(cls).identity])
