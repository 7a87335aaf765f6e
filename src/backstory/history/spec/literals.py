"""Values as Python code that gives them back, and the imports for it. No value becomes anything but a literal."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import inspect
import keyword
import sys
import uuid
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

from backstory.decide.state import State, state_type
from backstory.errors import InputError
from backstory.history.spec.layout import Group, Node, flat, prefixed, text
from backstory.history.spec.stand_ins import StandIns, part_of
from backstory.values.event import Unknown
from backstory.values.event_data import EventData
from backstory.values.masking import is_hidden
from backstory.values.veil import HIDDEN, OPEN, Veil, members, veil_of


class Imports:
    """The names that code uses, each from its module; a name that another module has too gets a number."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], str] = {}

    def name(self, module: str, name: str) -> str:
        """The name under which something of a module is known in the code."""
        key = module, name
        if key not in self._names:
            taken, number, free = {*self._names.values()}, 2, name
            while free in taken or keyword.iskeyword(free):
                free, number = f"{name}{number}", number + 1
            self._names[key] = free
        return self._names[key]

    def of(self, thing: Any) -> str:
        """The name of a class or a command. Raises `InputError` for one that cannot be imported."""
        module, qualified = thing.__module__, thing.__qualname__
        if "<" in qualified:
            raise InputError(
                f"{qualified} of {module} is defined inside of a function, so no test can import it"
            )
        if isinstance(thing, type) and _found(module, qualified) not in (None, thing):
            raise InputError(
                f"{qualified} of {module} is another class than the one that was meant, which is made while the program"
                " runs, so no test can import it: such are the events and rows of a table"
            )
        outer, dot, inner = qualified.partition(".")
        return f"{self.name(module, outer)}{dot}{inner}"

    def lines(self) -> list[str]:
        """The imports, in the groups of linters: the standard library, this one, the application."""
        modules: dict[str, list[tuple[str, str]]] = {}
        for (module, name), known in self._names.items():
            modules.setdefault(module, []).append((name, known))
        standard = [module for module in STANDARD if module in modules]
        others = sorted(set(modules) - {*STANDARD})
        library = [module for module in others if module.partition(".")[0] == LIBRARY]
        own = [module for module in others if module not in library]
        groups = [
            [self._line(module, modules[module]) for module in group] for group in (standard, library, own)
        ]
        return [line for group in groups if group for line in ("", *group)][1:]

    @staticmethod
    def _line(module: str, names: list[tuple[str, str]]) -> str:
        parts = [name if name == known else f"{name} as {known}" for name, known in sorted(names)]
        line = f"from {module} import {', '.join(parts)}"
        if len(line) <= 88:
            return line
        return "\n".join([f"from {module} import (", *(f"    {part}," for part in parts), ")"])


def _found(module: str, qualified: str) -> Any:
    """The object that a name of a loaded module stands for; None where there is none."""
    found: Any = sys.modules.get(module)
    for name in qualified.split("."):
        found = getattr(found, name, None)
    return found


LIBRARY = "backstory"
STANDARD = ("datetime", "decimal", "uuid")


class Literals:
    """Writes values as code, with stand-ins for those that are marked."""

    def __init__(self, imports: Imports, stand_ins: StandIns) -> None:
        self._imports = imports
        self._stand_ins = stand_ins

    def event(self, event: Any) -> Node:
        """An event; one that no class here has is written as it is stored."""
        if isinstance(event, Unknown):
            if event.data is None:
                raise InputError(f"the data of a {event.type} are withheld, so no test can be made of it")
            name = self._imports.name(EventData.__module__, EventData.__qualname__)
            data = msgspec.json.encode(event.data)
            tags = self.of(event.tags, OPEN)
            return Group(f"{name}(", [text(event.type), str(event.version), tags, text(data)], ")")
        return self.of(event, veil_of(type(event)) or OPEN)

    def state(self, state: State, *, filled: bool = False) -> Node:
        """A state as a reference; `filled`, with the fields that have other values than by default."""
        cls, veil = type(state), veil_of(type(state)) or OPEN
        own = state_type(cls).identity
        parts = self._arguments(state, veil, None if filled else own)
        lead: list[Node] = []
        for name in inspect.signature(cls).parameters:
            if name not in own or name not in parts:
                break
            lead.append(parts.pop(name))
        return Group(f"{self._imports.of(cls)}(", [*lead, *_named(parts)], ")")

    def of(self, value: Any, veil: Veil) -> Node:
        """Any value. Raises `InputError` for one that is not known here."""
        if (
            is_hidden(veil)
            and members(value) is None
            and not isinstance(value, (Mapping, list, tuple, AbstractSet))
        ):
            return self._leaf(self._stand_ins.of(value))
        if type(value) is str:
            return text(self._stand_ins.within(value))
        if isinstance(value, State):
            return self.state(value, filled=True)
        if members(value) is not None and not isinstance(value, Mapping):
            return Group(f"{self._imports.of(type(value))}(", _named(self._arguments(value, veil, None)), ")")
        if isinstance(value, Mapping):
            return self._mapping(value, veil)
        if isinstance(value, (list, tuple, AbstractSet)):
            return self._many(value, veil)
        return self._leaf(value)

    def _mapping(self, value: Mapping[Any, Any], veil: Veil) -> Node:
        keys = HIDDEN if is_hidden(veil) else OPEN
        parts = [
            prefixed(f"{flat(self.of(key, keys))}: ", self.of(part, part_of(veil, key)))
            for key, part in value.items()
        ]
        if type(value) is not dict:
            raise InputError(f"a value of type {type(value).__name__} cannot be written as code")
        return Group("{", parts, "}")

    def _many(self, value: Any, veil: Veil) -> Node:
        if isinstance(value, AbstractSet):
            parts = sorted((self.of(part, part_of(veil, 0)) for part in value), key=flat)
            inner: Node = Group("{", parts, "}")
            if type(value) is frozenset:
                return Group("frozenset(", [inner] if parts else [], ")")
            return inner if parts else "set()"
        parts = [self.of(part, part_of(veil, index)) for index, part in enumerate(value)]
        if type(value) is tuple:
            return Group("(", parts, ")", comma=len(parts) == 1)
        if type(value) is list:
            return Group("[", parts, "]")
        raise InputError(f"a value of type {type(value).__name__} cannot be written as code")

    def _leaf(self, value: Any) -> Node:
        kind = type(value)
        if value is None or kind in (bool, int, float):
            return repr(value)
        if kind in (str, bytes):
            return text(value)
        if isinstance(value, enum.Enum):
            return self._member(value)
        if kind is decimal.Decimal or kind is uuid.UUID:
            return Group(f"{self._imports.name(kind.__module__, kind.__name__)}(", [text(str(value))], ")")
        if kind in (datetime.datetime, datetime.date, datetime.time):
            name = self._imports.name("datetime", kind.__name__)
            return Group(f"{name}.fromisoformat(", [text(value.isoformat())], ")")
        if kind is datetime.timedelta:
            sizes = {"days": value.days, "seconds": value.seconds, "microseconds": value.microseconds}
            parts: list[Node] = [f"{name}={size}" for name, size in sizes.items() if size]
            return Group(f"{self._imports.name('datetime', 'timedelta')}(", parts, ")")
        raise InputError(f"a value of type {kind.__name__} cannot be written as code")

    def _member(self, value: enum.Enum) -> Node:
        name = self._imports.of(type(value))
        if value.name is not None and value.name.isidentifier() and not keyword.iskeyword(value.name):
            return f"{name}.{value.name}"
        return Group(f"{name}(", [self._leaf(value.value)], ")")

    def _arguments(self, value: Any, veil: Veil, only: tuple[str, ...] | None) -> dict[str, Node]:
        """The arguments of the class of a value by name, without those that have their default."""
        found: dict[str, Node] = {}
        names, defaults = _parameters(type(value)), {} if only is not None else _defaults(type(value))
        for name, step, part in members(value) or ():
            if name not in names or (only is not None and name not in only):
                continue
            if name in defaults and type(defaults[name]) is type(part) and defaults[name] == part:
                continue
            found[names[name]] = self.of(part, part_of(veil, step))
        return found


def _named(arguments: Mapping[str, Node]) -> list[Node]:
    return [prefixed(f"{name}=", node) for name, node in arguments.items()]


def _parameters(cls: type[Any]) -> dict[str, str]:
    """The fields of a class that it is made of, with the names of their parameters."""
    if hasattr(cls, "__struct_fields__"):
        return {name: name for name in cls.__struct_fields__}
    if dataclasses.is_dataclass(cls):
        return {field.name: field.name for field in dataclasses.fields(cls) if field.init}
    if hasattr(cls, "__attrs_attrs__"):
        return {field.name: field.alias for field in cls.__attrs_attrs__ if field.init}
    if hasattr(cls, "model_fields"):
        return {name: field.alias or name for name, field in cls.model_fields.items()}
    return {name: name for name in getattr(cls, "_fields", ())}


def _defaults(cls: type[Any]) -> dict[str, Any]:
    """The defaults of the fields of a class, as far as they are plain ones."""
    if hasattr(cls, "__struct_fields__"):
        fields = msgspec.structs.fields(cls)
        plain = {each.name: each.default for each in fields if each.default is not msgspec.NODEFAULT}
        made = (each for each in fields if each.default_factory is not msgspec.NODEFAULT)
        return plain | {each.name: each.default_factory() for each in made}
    if dataclasses.is_dataclass(cls):
        return {each.name: each.default for each in dataclasses.fields(cls)}
    return {}
