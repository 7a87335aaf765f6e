"""The fields of events and states, and the parameters of commands, as the document has them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_args, get_origin

from backstory.decide.commands import CommandType
from backstory.decide.state import State, StateType
from backstory.documents.application import first_line
from backstory.documents.types import type_name
from backstory.model.code import Bound, Code, as_self
from backstory.model.elements import Field
from backstory.values.event_types import EventType
from backstory.values.fields import hints
from backstory.values.privacy import Privacy


def event_fields(kind: EventType) -> list[Field]:
    """The fields of an event, in their order."""
    keys = {field.name: field.key for field in kind.tag_fields}
    required = parts(kind.cls)
    return [
        Field(name, spelled(hint), required[name], keys.get(name), mark(hint))
        for name, hint in (hints(kind.cls) or {}).items()
        if name in required
    ]


def state_fields(compiled: StateType, fills: Callable[[str], bool | None]) -> tuple[list[Field], list[Field]]:
    """The fields of a state's identity, and the others."""
    cls, keys = compiled.cls, {field.name: field.key for field in compiled.tag_fields}
    annotations = hints(cls) or {}
    identity = [Field(name, spelled(annotations[name]), True, keys.get(name)) for name in compiled.identity]
    others = [
        Field(name, spelled(annotations[name]), mark=mark(annotations[name]), filled=fills(name))
        for name in cls.__struct_fields__
        if name not in compiled.identity
    ]
    return identity, others


def parameters(command: CommandType[...]) -> list[Field]:
    """The parameters that a caller gives, states among them."""
    found = []
    for parameter in command.signature.parameters.values():
        required = parameter.default is parameter.empty
        if (state := command.states.get(parameter.name)) is not None:
            found.append(Field(parameter.name, state.wanted, required))
        elif (hint := command.plain.get(parameter.name)) is not None or parameter.name in command.plain:
            found.append(Field(parameter.name, spelled(hint), required, mark=mark(hint)))
    return found


def filled(cls: type[State], code: Code) -> Callable[[str], bool | None]:
    """Whether a field of a state is one that `apply` can change; None where the code does not tell."""
    followed = True
    for each in (cls, *cls.__subclasses__()):  # a base has fields that only these fill
        apply = each.apply  # type: ignore[attr-defined]
        followed = code.follow(apply, as_self(apply, Bound(each, "self"))) and followed
    changed = {use.field for use in code.uses if use.changes}
    if not followed or None in changed:
        return lambda _: None
    return changed.__contains__


def parts(cls: type[Any]) -> dict[str, bool]:
    """The fields that an object of a class is made of, and whether each is required: it has no default."""
    if hasattr(cls, "model_fields"):
        return {name: field.is_required() for name, field in cls.model_fields.items()}
    names = {each.alias: each.name for each in getattr(cls, "__attrs_attrs__", ())}
    return {
        names.get(name, name): parameter.default is parameter.empty
        for name, parameter in inspect.signature(cls).parameters.items()
        if parameter.kind is not parameter.VAR_KEYWORD
    }


def own_doc(cls: type[Any]) -> str:
    """The first line of a class's own docstring, and not of the one that `dataclasses` writes, with its defaults."""
    doc = first_line(vars(cls).get("__doc__"))
    return "" if doc.startswith(f"{cls.__name__}(") else doc


def spelled(hint: Any) -> str:
    """A type as it is written in code, without the marks and bounds on the value as a whole."""
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    return type_name(hint)


def mark(hint: Any) -> str | None:
    """The closest mark on a value as a whole: `subject`, `personal` or `secret`."""
    marks = [each for each in getattr(hint, "__metadata__", ()) if isinstance(each, Privacy)]
    return max(marks).name.lower() if marks else None
