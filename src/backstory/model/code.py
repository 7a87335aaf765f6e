"""The code that a function leads to: itself, and the functions and methods of the application that it calls.

Only what the syntax says is believed. A name is looked up where the function would find it; an attribute is followed
through modules, classes, and parameters whose class is known. Code that cannot be followed makes an answer unknown, and
never a wrong one.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterator, Mapping
from inspect import unwrap
from types import FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

from backstory.decide.commands import CommandType
from backstory.errors import Refused
from backstory.model.sources import Sources
from backstory.values.event import is_event

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

READS = (ast.Compare, ast.BinOp, ast.BoolOp, ast.UnaryOp, ast.FormattedValue, ast.If, ast.IfExp, ast.While)
"""A field that stands directly in one of these is read, and not changed."""


class Bound(NamedTuple):
    """A local name whose class is known; `root` is the parameter of the first function that it stands for."""

    cls: type[Any]
    root: str


class Use(NamedTuple):
    """A field of a bound name that code looks at, or sets; `field` is None where the whole of it goes elsewhere."""

    root: str
    field: str | None
    changes: bool


class Code:
    """One function's reach. `own` are the first parts of the modules that are the application's own."""

    def __init__(self, sources: Sources, own: frozenset[str]) -> None:
        self._sources = sources
        self._own = own
        self._seen: set[tuple[Any, frozenset[tuple[str, Bound]]]] = set()
        self.uses: list[Use] = []
        self.things: list[tuple[Any, ast.AST, FunctionType]] = []
        """The meanings of names and attributes, each with its node and the function that it stands in."""
        self.calls: list[tuple[Any, ast.Call, FunctionType]] = []
        """The functions and classes that are called, as far as they are known."""
        self.functions: set[Any] = set()
        """Every function that was followed."""

    def follow(self, function: Any, bound: Mapping[str, Bound]) -> bool:
        """Walk through a function with these parameters. False if it is not the application's, or has no source."""
        function = unwrap(function.function if isinstance(function, CommandType) else function)
        if not isinstance(function, FunctionType) or function.__module__.partition(".")[0] not in self._own:
            return False
        node = self._sources.function(function)
        if node is None:
            return False
        key = (function, frozenset(bound.items()))
        if key not in self._seen:
            self._seen.add(key)
            self.functions.add(function)
            _Walk(self, function, node, dict(bound)).through()
        return True

    def node(self, function: FunctionType) -> FunctionNode:
        """The definition of a function that was followed."""
        node = self._sources.function(function)
        assert node is not None
        return node

    def refusals(self) -> Iterator[tuple[str, ast.AST, FunctionType]]:
        """The code of each refusal that is made, with its place; `{}` stands for what is known only when it runs."""
        for called, node, function in self.calls:
            if isinstance(called, type) and issubclass(called, Refused):
                yield self._code_of(called, node, function), node, function

    def _code_of(self, cls: type[Refused], call: ast.Call, function: FunctionType) -> str:
        made = cls.__init__
        if made is not Refused.__init__ and isinstance(made, FunctionType):
            node = self._sources.function(made)
            inner = [
                each
                for each in (ast.walk(node) if node else ())
                if isinstance(each, ast.Call)
                and isinstance(each.func, ast.Attribute)
                and each.func.attr == "__init__"
            ]
            return _said(inner[0], made) if inner else "{}"
        return _said(call, function)


class _Walk:
    """One walk through one function."""

    def __init__(
        self, code: Code, function: FunctionType, node: FunctionNode, bound: dict[str, Bound]
    ) -> None:
        self._code = code
        self._function = function
        self._node = node
        self._bound = bound
        self._parents = {child: parent for parent in ast.walk(node) for child in ast.iter_child_nodes(parent)}
        self._locals = dict(_locals(node))

    def through(self) -> None:
        """Walk."""
        own = {arg.arg for arg in _arguments(self._node.args)}
        for node in self._inside():
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in self._bound:
                self._lose(node.id)
            elif isinstance(node, ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef):
                for arg in _arguments(node.args):
                    if arg.arg in self._bound and arg.arg in own:
                        self._lose(arg.arg)
        for node in self._inside():
            if isinstance(node, ast.Call):
                self._call(node)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                self._name(node)
            elif isinstance(node, ast.Attribute):
                self._attribute(node)

    def _inside(self) -> Iterator[ast.AST]:
        """Every node of the body; annotations are no code that runs."""
        left: list[ast.AST] = [
            *self._node.body,
            *self._node.args.defaults,
            *filter(None, self._node.args.kw_defaults),
        ]
        while left:
            node = left.pop()
            yield node
            skipped = {
                id(part) for part in (getattr(node, "annotation", None), getattr(node, "returns", None))
            }
            left += [child for child in ast.iter_child_nodes(node) if id(child) not in skipped]

    def _lose(self, name: str) -> None:
        bound = self._bound.pop(name, None)
        if bound is not None:
            self._code.uses.append(Use(bound.root, None, changes=True))

    def _name(self, node: ast.Name) -> None:
        bound = self._bound.get(node.id)
        if bound is None:
            found = self._looked_up(node.id)
            if found is not None:
                self._code.things.append((found, node, self._function))
            return
        parent = self._parents.get(node)
        if isinstance(parent, ast.Attribute) or (
            isinstance(parent, ast.Call) and node in self._passed(parent)
        ):
            return
        self._code.uses.append(Use(bound.root, None, changes=True))

    def _attribute(self, node: ast.Attribute) -> None:
        bound = self._bound.get(node.value.id) if isinstance(node.value, ast.Name) else None
        if bound is None:
            if (found := self._meaning(node)) is not None:
                self._code.things.append((found, node, self._function))
            return
        part = next((vars(cls)[node.attr] for cls in bound.cls.__mro__ if node.attr in vars(cls)), None)
        method = part.fget if isinstance(part, property) else getattr(part, "__func__", part)
        if isinstance(method, FunctionType):
            followed = self._code.follow(method, _as_self(method, bound))
            if not followed:
                self._code.uses.append(Use(bound.root, None, changes=True))
            return
        self._code.uses.append(Use(bound.root, node.attr, self._changes(node)))

    def _changes(self, node: ast.Attribute) -> bool:
        """Whether a field may be changed where it stands: it is set, or it, or what is in it, goes elsewhere."""
        if not isinstance(node.ctx, ast.Load):
            return True
        return not isinstance(self._parents.get(node), READS)

    def _call(self, node: ast.Call) -> None:
        called = self._meaning(node.func)
        if called is None:
            return
        self._code.calls.append((called, node, self._function))
        passed = self._passed(node)
        if isinstance(called, CommandType):
            return
        target = called.__func__ if isinstance(called, MethodType) else called
        if isinstance(target, FunctionType):
            bound = _as_self(target, self._self_of(node)) if self._self_of(node) else {}
            bound |= {name: self._bound[value.id] for value, name in passed.items() if name}
            self._code.follow(target, bound)

    def _self_of(self, node: ast.Call) -> Any:
        """The bound name whose method is called by `super()`."""
        func = node.func
        is_super = (
            isinstance(func, ast.Attribute)
            and isinstance(func.value, ast.Call)
            and isinstance(func.value.func, ast.Name)
            and func.value.func.id == "super"
        )
        first = next(iter(_arguments(self._node.args)), None)
        return self._bound.get(first.arg) if is_super and first is not None else None

    def _passed(self, node: ast.Call) -> dict[ast.Name, str]:
        """The bound names that a call hands on to a function of the application, with their names there."""
        called = self._meaning(node.func)
        target = called.__func__ if isinstance(called, MethodType) else called
        if not isinstance(target, FunctionType) or target.__module__.partition(".")[0] not in self._code._own:
            return {}
        definition = self._code._sources.function(target)
        if definition is None or any(isinstance(each, ast.Starred) for each in node.args):
            return {}
        parameters = [arg.arg for arg in (*definition.args.posonlyargs, *definition.args.args)]
        if isinstance(called, MethodType) or self._self_of(node):
            parameters = parameters[1:]
        given = [*zip(node.args, parameters, strict=False)]
        given += [(each.value, each.arg) for each in node.keywords if each.arg]
        return {
            value: name for value, name in given if isinstance(value, ast.Name) and value.id in self._bound
        }

    def _meaning(self, node: ast.AST) -> Any:
        """The meaning of a name, or of a path of attributes through modules and classes; None if it is not known."""
        if isinstance(node, ast.Name):
            return self._looked_up(node.id)
        if not isinstance(node, ast.Attribute):
            return None
        if (bound := self._self_of_super(node)) is not None:
            mro = bound.cls.__mro__
            return next((vars(cls)[node.attr] for cls in mro[1:] if node.attr in vars(cls)), None)
        base = self._meaning(node.value)
        return getattr(base, node.attr, None) if isinstance(base, ModuleType | type) else None

    def _looked_up(self, name: str) -> Any:
        if name in self._bound:
            return None
        return self._locals[name] if name in self._locals else looked_up(self._function, name)

    def _self_of_super(self, node: ast.Attribute) -> Any:
        return self._self_of(ast.Call(node, [], [])) if isinstance(node.value, ast.Call) else None


def _locals(node: FunctionNode) -> Iterator[tuple[str, Any]]:
    """The names that a function sets itself, with what those mean that it imports; None for all others."""
    for part in ast.walk(node):
        match part:
            case ast.arg(arg=name):
                yield name, None
            case ast.Name(id=name, ctx=ast.Store()):
                yield name, None
            case (
                ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
                | ast.ExceptHandler(name=str(name))
            ):
                yield name, None
            case ast.ImportFrom(module=str(module), level=0):
                for alias in part.names:
                    yield alias.asname or alias.name, getattr(sys.modules.get(module), alias.name, None)


def looked_up(function: FunctionType, name: str) -> Any:
    """The meaning of a name in a function, if it is none of its locals: in a closure, the module, or Python."""
    if name in function.__code__.co_freevars and function.__closure__:
        cell = function.__closure__[function.__code__.co_freevars.index(name)]
        try:
            return cell.cell_contents
        except ValueError:  # it is not set yet
            return None
    return function.__globals__.get(name, getattr(builtins, name, None))


def is_event_class(thing: Any) -> bool:
    """Whether this is an event class."""
    return isinstance(thing, type) and is_event(thing)


def _said(call: ast.Call, function: FunctionType) -> str:
    """The code that a call of `Refused` gives."""
    given = next((each.value for each in call.keywords if each.arg == "code"), None)
    if given is None or (isinstance(given, ast.Constant) and given.value is None):
        given = (
            call.args[0] if call.args else next((e.value for e in call.keywords if e.arg == "reason"), None)
        )
    if isinstance(given, ast.Constant):
        return str(given.value)
    if isinstance(given, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in given.values)
    if isinstance(given, ast.Name):
        found = looked_up(function, given.id)
        return found if isinstance(found, str) else "{}"
    return "{}"


def _arguments(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)


def _as_self(method: FunctionType, bound: Bound) -> dict[str, Bound]:
    first = method.__code__.co_varnames[:1]
    return {first[0]: bound} if first else {}
