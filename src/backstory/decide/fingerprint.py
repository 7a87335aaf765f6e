"""The fingerprint: a text that changes when the code that makes a state changes.

All that a method names is a part of it: constants, functions, classes and objects, of its module and of others; its
closure; the functions that a decorator wraps. An object of Python or of an installed package counts by its name and its
own code, and leads no further. Names that code looks up by text, as with `getattr`, are not seen: `State.version` is
for that.
"""

from __future__ import annotations

import builtins
import copyreg
import dataclasses
import enum
import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache, cached_property  # noqa: TID251 - recognised here, and not used
from operator import attrgetter
from types import CodeType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any, get_args, get_origin

import msgspec
from msgspec import structs

from backstory.decide.state import State, state_type
from backstory.values.event import Event
from backstory.values.event_types import EventType
from backstory.values.fields import hints

ATOMS = (str, int, float, bool, complex, bytes, type(None), type(Ellipsis))
BASES = frozenset((*State.__mro__, *Event.__mro__))

GLOBAL = frozenset(("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"))
ATTRIBUTE = frozenset(("LOAD_ATTR", "LOAD_METHOD"))
"""How a method reaches names of its module, and attributes of modules."""

GENERATED = "<attrs generated"
"""The beginning of the file name of code that attrs writes for a class; the class's fields say the same."""

HOLDERS: dict[type[Any], Callable[[Any], Any]] = {
    property: attrgetter("fget", "fset", "fdel"),
    staticmethod: attrgetter("__func__"),
    classmethod: attrgetter("__func__"),
    MethodType: attrgetter("__func__", "__self__"),
    cached_property: attrgetter("func"),
    type(cache(len)): attrgetter("__wrapped__"),
    ModuleType: attrgetter("__name__"),
}
"""Objects that hold functions which were given to them, and how to get these. A module counts by its name."""


class _UnknownError(Exception):
    """The code uses something that is known only when it runs."""


@cache
def fingerprint(cls: type[State]) -> str | None:
    """The text, 16 characters; None if a part of the code cannot be read, or is not the same in every process.

    It is made once, when it is first asked for: a constant that changes later does not count.
    """
    return code_of(cls, state_type(cls).events.values)


def code_of(
    cls: Any, events: Callable[[], Iterable[EventType]], bases: frozenset[type[Any]] = BASES
) -> str | None:
    """The same for any class that has a version and reads events; `bases` do not count as its own code."""
    reader = _Reader(cls.__module__, bases)
    try:
        read = [cls.version, _schema(cls), reader.members(cls)]
        for event in events():
            upcasters = [reader.read(event.upcasters[version]) for version in sorted(event.upcasters)]
            read += [event.name, event.version, _schema(event.cls), reader.members(event.cls), upcasters]
    except Exception:  # noqa: BLE001 - to read somebody's objects runs their code
        return None
    return hashlib.sha256(repr(read).encode(errors="backslashreplace")).hexdigest()[:16]


def _schema(cls: type[Any]) -> Any:
    """The JSON schema of a class and of all classes inside it, with their defaults."""
    try:
        return cls.model_json_schema() if hasattr(cls, "model_json_schema") else msgspec.json.schema(cls)
    except (TypeError, ValueError):
        return None  # a type that JSON cannot carry, so such a state is never kept


class _Reader:
    """Reads values, and the code of functions, as nested lists of text. `module` is the one of the state."""

    def __init__(self, module: str, bases: frozenset[type[Any]] = BASES) -> None:
        self._module = module
        self._bases = bases
        self._own = module.partition(".")[0]
        self._seen: dict[int, Any] = {}

    def read(self, value: Any) -> Any:
        """A value, and all that it leads to. The second time it counts by its name: it may lead back to itself."""
        kind = type(value)
        if kind in ATOMS:
            return [kind.__name__, repr(value)]
        if kind in (tuple, list):
            return [kind.__name__, *map(self.read, value)]
        if kind in (set, frozenset):
            # In an order that is the same in every process, whatever was read before.
            return [kind.__name__, *map(self.read, sorted(value, key=self._alone))]
        if kind in (dict, MappingProxyType):
            return [kind.__name__, *([self.read(name), self.read(item)] for name, item in value.items())]
        if id(value) in self._seen:
            return _name(value)
        self._seen[id(value)] = value  # kept, so that nothing else gets its address
        return [_name(value), self._inside(value)]

    def _alone(self, value: Any) -> str:
        return repr(_Reader(self._module, self._bases).read(value))

    def _inside(self, value: Any) -> Any:
        kind = type(value)
        if isinstance(value, type):
            return None if self._is_library(value.__module__) else self.members(value)
        if isinstance(value, enum.Enum):
            return [self.read(kind), value.name]
        if kind is FunctionType:
            return self._function(value)
        return self.read(HOLDERS[kind](value)) if kind in HOLDERS else self._object(value)

    def _object(self, value: Any) -> Any:
        """Any other object: the parts that pickle would write. Raises the error of an object that cannot be pickled."""
        reduce = copyreg.dispatch_table.get(type(value))
        made = reduce(value) if reduce else value.__reduce_ex__(4)
        parts = [made] if isinstance(made, str) else made
        return [
            self.read(type(value)),
            *(self.read(list(p) if isinstance(p, Iterator) else p) for p in parts),
        ]

    def members(self, cls: type[Any]) -> Any:
        """The definitions of a class and of its base classes."""
        self._seen[id(cls)] = cls
        return [self._defined(parent) for parent in cls.__mro__ if parent not in self._bases]

    def _defined(self, cls: type[Any]) -> Any:
        found = sorted((name, value) for name, value in vars(cls).items() if name != "_abc_impl")
        functions = [[name, self.read(value)] for name, value in found if type(value) is FunctionType]
        if self._is_library(cls.__module__):
            return functions
        if issubclass(cls, enum.Enum):
            return [functions, [[member.name, self.read(member.value)] for member in cls]]
        values = [[name, self.read(value)] for name, value in found if not name.startswith("__")]
        types = [[name, self._annotation(kind)] for name, kind in sorted((hints(cls) or {}).items())]
        return [functions, values, types, [self.read(each) for each in _defaults(cls)]]

    def _annotation(self, annotation: Any) -> Any:
        """A field's type: its values have methods, too."""
        if hasattr(annotation, "__metadata__"):
            return self._annotation(annotation.__origin__)
        if get_origin(annotation) is not None:
            return [repr(get_origin(annotation)), *map(self._annotation, get_args(annotation))]
        return self.read(annotation) if isinstance(annotation, type) else repr(annotation)

    def _function(self, function: FunctionType) -> Any:
        module = function.__globals__.get("__name__") or self._own
        if self._is_library(module) or function.__code__.co_filename.startswith(GENERATED):
            return [self._code(function.__code__, None), self.read(getattr(function, "__wrapped__", None))]
        return [
            self._code(function.__code__, function.__globals__),
            self.read([function.__defaults__, function.__kwdefaults__, vars(function)]),
            [self._cell(cell) for cell in function.__closure__ or ()],
        ]

    def _cell(self, cell: Any) -> Any:
        try:
            return self.read(cell.cell_contents)
        except ValueError:
            return None  # nothing was put into it yet

    def _code(self, code: CodeType, names: dict[str, Any] | None) -> Any:
        """A function's code without its place in the file, and its names, which are not followed if `names` is None."""
        constants = [
            self._code(one, names) if isinstance(one, CodeType) else self.read(one) for one in code.co_consts
        ]
        named = [] if names is None else list(self._named(code, names))
        return [code.co_code, code.co_exceptiontable, code.co_names, code.co_varnames, constants, named]

    def _named(self, code: CodeType, names: dict[str, Any]) -> Iterable[Any]:
        """Everything that code names outside of itself. Attributes of a module are looked up there."""
        import dis

        found: Any = None
        for step in dis.get_instructions(code):
            if step.opname in GLOBAL:
                found = names.get(step.argval, getattr(builtins, step.argval, None))
            elif step.opname in ATTRIBUTE and isinstance(found, ModuleType):
                found = getattr(found, step.argval, None)
            elif step.opname == "IMPORT_NAME" and not self._is_library(step.argval):
                raise _UnknownError(step.argval)
            else:
                found = None if step.opname != "EXTENDED_ARG" else found
                continue
            yield self.read(found)

    def _is_library(self, module: str) -> bool:
        top = module.partition(".")[0]
        if top in sys.stdlib_module_names or top == "backstory":
            return True
        file = getattr(sys.modules.get(module), "__file__", None) or ""
        return top != self._own and ("site-packages" in file or "dist-packages" in file)


def _defaults(cls: type[Any]) -> Iterator[list[Any]]:
    """The defaults of a class's fields, for each way to define such a class."""
    if issubclass(cls, msgspec.Struct):
        yield from ([each.name, each.default, each.default_factory] for each in structs.fields(cls))
    if dataclasses.is_dataclass(cls):
        yield from ([each.name, each.default, each.default_factory] for each in dataclasses.fields(cls))
    yield from ([each.name, each.default] for each in getattr(cls, "__attrs_attrs__", ()))
    models = getattr(cls, "__pydantic_fields__", {})
    yield from ([name, each.default, each.default_factory] for name, each in models.items())


def _name(value: Any) -> str:
    """The name of a class, a function or a module; of anything else, that of its class."""
    named = value if hasattr(value, "__name__") else type(value)
    return f"{getattr(named, '__module__', '')}.{named.__name__}"
