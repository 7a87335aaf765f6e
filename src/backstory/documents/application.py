"""Applications: their states and their commands, and the schemas of their events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from backstory.decide.state import State, state_type
from backstory.documents.types import spelled, type_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from backstory.decide.commands import CommandType
    from backstory.schema.check import Finding


def identity_types(cls: type[State]) -> dict[str, msgspec.structs.FieldInfo]:
    """The fields that tell one state of a class from another."""
    fields = {field.name: field for field in msgspec.structs.fields(cls)}
    return {name: fields[name] for name in state_type(cls).identity}


def state_class_document(cls: type[State]) -> dict[str, Any]:
    """A class of states: its identity, its fields, and the events that make it."""
    identity = identity_types(cls)
    return {
        "name": cls.__name__,
        "module": cls.__module__,
        "doc": first_line(cls.__doc__),
        "identity": {name: spelled(field.type) for name, field in identity.items()},
        "fields": {
            field.name: type_name(field.type)
            for field in msgspec.structs.fields(cls)
            if field.name not in identity
        },
        "events": sorted(state_type(cls).events),
    }


def command_type_document(command: CommandType[...], usage: str) -> dict[str, Any]:
    """A command: its parameters, its states, and its events. `usage` is a call of it for the reader of the document."""
    return {
        "name": command.name,
        "module": command.__module__,
        "doc": first_line(command.__doc__),
        "usage": usage,
        "parameters": [
            {
                "name": parameter.name,
                "type": state.wanted
                if (state := command.states.get(parameter.name))
                else type_name(command.plain[parameter.name]),
                "state": state is not None,
                "required": parameter.default is parameter.empty,
            }
            for parameter in command.signature.parameters.values()
            if parameter.name in command.states or parameter.name in command.plain
        ],
        "reads": [
            {"parameter": name, "state": state.cls.__name__, "events": sorted(state_type(state.cls).events)}
            for name, state in command.reads.items()
        ],
        "inputs": {name: kind.kind.value for name, kind in command.inputs.items()},
        "gives": [cls.__backstory__.name for cls in command.gives if hasattr(cls, "__backstory__")],
    }


def findings_document(found: Iterable[Finding]) -> list[dict[str, Any]]:
    """The document of a check of schemas."""
    return [
        {
            "level": finding.level,
            "event": finding.event,
            "version": finding.version,
            "what": finding.what,
            "differences": [
                {"field": difference.place, "kind": difference.kind, "why": difference.why}
                for difference in finding.differences
            ],
            "remedy": finding.remedy,
            "stub": finding.stub,
        }
        for finding in found
    ]


def first_line(doc: str | None) -> str:
    """The first line of a docstring."""
    return (doc or "").strip().partition("\n")[0]
