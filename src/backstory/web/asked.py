"""A command of the application as a form: its fields, the call that they mean, and the same on the command line."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import msgspec

from backstory.application import Application
from backstory.decide.parameters import Shape
from backstory.documents.application import identity_types
from backstory.documents.types import bare, item, spelled
from backstory.texts.calls import called, required
from backstory.texts.usage import option
from backstory.web.ask import Ask, NotFound

if TYPE_CHECKING:
    from backstory.decide.call import Command
    from backstory.decide.commands import CommandType

PREFIX = "p."
"""The beginning of the names of fields that are the command's own."""

Values = Mapping[str, str]
"""The texts of the fields, by their names."""


class Field(msgspec.Struct, frozen=True):
    """A field of the form."""

    name: str
    label: str
    hint: str
    value: str
    required: bool
    choices: Sequence[str] = ()
    many: bool = False


def application_of(ask: Ask) -> Application:
    """The application. Raises `NotFound` if the pages are shown without one."""
    if ask.site.application is None:
        raise NotFound("these pages know no application; commands need one: backstory ui --app MODULE")
    return ask.site.application


def address(application: Application, command: CommandType[...]) -> str:
    """The name of a command in an address: with its module if two have one name."""
    alone = command.name in application.commands_by_name()
    return command.name if alone else f"{command.__module__}.{command.name}"


def fields_of(command: CommandType[...], values: Values) -> Iterator[Field]:
    """The fields of the form: one for each part of a state's identity, and one for each other argument."""
    for name, state in command.states.items():
        needed = required(command, name)
        if state.shape is Shape.MANY:
            parts = " ".join(identity_types(state.cls))
            key = PREFIX + name
            hint = f"{state.wanted}: one on each line ({parts})"
            yield Field(key, name, hint, values.get(key, ""), needed, many=True)
            continue
        for part, field in identity_types(state.cls).items():
            key = _key(command, name, part)
            label = name if key == PREFIX + name else f"{name}: {part}"
            hint = f"which {state.cls.__name__}: {spelled(field.type)}"
            needs = needed and state.shape is Shape.ONE and field.required
            yield Field(key, label, hint, values.get(key, ""), needs, _choices(field.type))
    for name, annotation in command.plain.items():
        key, needed = PREFIX + name, required(command, name)
        default = command.signature.parameters[name].default
        many = (inner := item(annotation)) is not None
        hint = spelled(annotation if inner is None else inner)
        hint += "" if needed else f", default: {default}"
        needs = needed and not (many or _is_text(annotation))
        hint += "; one on each line, or a JSON list" if many else ""
        is_long = many or spelled(annotation) == "JSON"
        yield Field(key, name, hint[:200], values.get(key, ""), needs, _choices(annotation), is_long)


def call_of(command: CommandType[...], values: Values) -> Command:
    """The call that the fields mean: an empty field is left out, but for a text that is needed. Raises `InputError`."""
    states: dict[str, Any] = {}
    for name, state in command.states.items():
        if state.shape is Shape.MANY:
            lines = _lines(values.get(PREFIX + name, ""))
            single = len(identity_types(state.cls)) == 1
            if lines or required(command, name):
                states[name] = [[line] if single else line.split() for line in lines]
            continue
        words = [values.get(_key(command, name, part), "") for part in identity_types(state.cls)]
        while words and not words[-1]:
            words.pop()
        if words or state.shape is Shape.ONE:
            states[name] = words
    texts: dict[str, str | list[str]] = {}
    for name, annotation in command.plain.items():
        text = values.get(PREFIX + name, "")
        if item(annotation) is not None:
            if text.strip() or required(command, name):
                texts[name] = _items(text)
        elif text or (required(command, name) and _is_text(annotation)):
            texts[name] = text
    return called(command, states, texts)


def words_of(command: CommandType[...], name: str, values: Values) -> tuple[str, ...]:
    """The command line that previews the same."""
    words = ["do", name]
    for state_name, state in command.states.items():
        parts = identity_types(state.cls)
        if state.shape is Shape.MANY:
            for line in _lines(values.get(PREFIX + state_name, "")):
                words += [option(state_name), *([line] if len(parts) == 1 else line.split())]
        elif given := [text for part in parts if (text := values.get(_key(command, state_name, part), ""))]:
            words += [option(state_name), *given]
    for plain, annotation in command.plain.items():
        text = values.get(PREFIX + plain, "")
        if bare(annotation) is bool and text:
            words.append(option(plain) if text == "true" else f"--no-{option(plain)[2:]}")
        elif item(annotation) is not None:
            words += [f"{option(plain)}={each}" for each in _items(text)]
        elif text or (required(command, plain) and _is_text(annotation)):
            words.append(f"{option(plain)}={text}")
    return tuple(words)


def _key(command: CommandType[...], name: str, part: str) -> str:
    """The name of a field: of a part of an identity, if it has more than one."""
    only = len(identity_types(command.states[name].cls)) == 1
    return PREFIX + (name if only else f"{name}.{part}")


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _items(text: str) -> list[str]:
    """The items of a list: one on each line, or all of them as JSON."""
    return [text.strip()] if text.lstrip().startswith("[") else _lines(text)


def _is_text(annotation: Any) -> bool:
    return bare(annotation) is str


def _choices(annotation: Any) -> list[str]:
    """The values of a type that has few; empty for others."""
    kind = bare(annotation)
    if kind is bool:
        return ["true", "false"]
    if get_origin(kind) is Literal:
        return [str(each) for each in get_args(kind)]
    if inspect.isclass(kind) and issubclass(kind, Enum):
        return [str(each.value) for each in kind]
    return []
