"""The code that a function leads to: itself, and the functions and methods of the application that it calls.

Only what the syntax says is believed. A name is looked up where the function would find it; an attribute is followed
through modules, classes, and parameters whose class is known. Code that cannot be followed makes an answer unknown, and
never a wrong one.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import Enum
from inspect import unwrap
from itertools import takewhile
from types import BuiltinMethodType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

from backstory.decide.commands import CommandType
from backstory.errors import Refused
from backstory.model.sources import Sources, children, imported
from backstory.values.event import is_event

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

READS = (ast.Compare, ast.BinOp, ast.UnaryOp, ast.FormattedValue, ast.If, ast.IfExp, ast.While)
"""A field that stands directly in one of these is read, and not changed; of `a if b else c` only `b` is."""


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
        """Walk through a function with these parameters. False if it is not the application's, or has no source.

        Functions of decorators that stand around it are walked through, too.
        """
        function = function.function if isinstance(function, CommandType) else function
        inner = unwrap(function)
        while function is not inner:
            self._follow_wrapper(function, bound)
            function = function.__wrapped__
        return self._follow(inner, bound)

    def _follow(self, function: Any, bound: Mapping[str, Bound]) -> bool:
        node = self._own_node(function)
        if node is None:
            return False
        key = (function, frozenset(bound.items()))
        if key not in self._seen:
            self._seen.add(key)
            self.functions.add(function)
            _Walk(self, function, node, dict(bound)).through()
        return True

    def _follow_wrapper(self, function: Any, bound: Mapping[str, Bound]) -> None:
        """Parameters that it does not name are in its `*args`, which it may hand on, and need not look into."""
        node = self._own_node(function)
        if node is None:
            return
        named = {arg.arg for arg in _arguments(node.args)}
        self._follow(function, {name: each for name, each in bound.items() if name in named})
        if _looks_into(node, {arg.arg for arg in (node.args.vararg, node.args.kwarg) if arg is not None}):
            self.uses += [
                Use(each.root, None, changes=True) for name, each in bound.items() if name not in named
            ]

    def _own_node(self, function: Any) -> FunctionNode | None:
        """The definition of a function of the application; None for any other thing."""
        if not isinstance(function, FunctionType) or function.__module__.partition(".")[0] not in self._own:
            return None
        return self._sources.function(function)

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
        nodes: list[ast.AST] = [node]
        self._parents: dict[ast.AST, ast.AST] = {}
        for parent in nodes:
            inner = children(parent)
            self._parents.update(dict.fromkeys(inner, parent))
            nodes += inner
        self._locals = dict(_locals(nodes, function))

    def through(self) -> None:
        """Walk."""
        own = {arg.arg for arg in _arguments(self._node.args)}
        inside = list(self._inside())
        for node in inside:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in self._bound:
                self._lose(node.id)
            elif isinstance(node, ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef):
                for arg in _arguments(node.args):
                    if arg.arg in self._bound and arg.arg in own:
                        self._lose(arg.arg)
        for node in inside:
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
            left += [child for child in children(node) if id(child) not in skipped]

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
        if isinstance(part, staticmethod | classmethod):
            self._code.follow(part.__func__, {})
            return
        methods = [part]
        if isinstance(part, property):
            methods = [part.fget] if isinstance(node.ctx, ast.Load) else [part.fget, part.fset, part.fdel]
        if not isinstance(methods[0], FunctionType):
            self._code.uses.append(Use(bound.root, node.attr, self._changes(node)))
        for method in filter(None, methods):
            if isinstance(method, FunctionType) and not self._code.follow(method, as_self(method, bound)):
                self._code.uses.append(Use(bound.root, None, changes=True))

    def _changes(self, node: ast.Attribute) -> bool:
        """Whether a field may be changed where it stands: it is set, or it, or what is in it, goes elsewhere."""
        if not isinstance(node.ctx, ast.Load):
            return True
        child: ast.AST = node
        parent = self._parents.get(child)
        while isinstance(parent, ast.BoolOp) or (isinstance(parent, ast.IfExp) and child is not parent.test):
            child, parent = parent, self._parents.get(parent)
        return not isinstance(parent, READS)

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
            bound = as_self(target, self._self_of(node)) if self._self_of(node) else {}
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
        if definition is None:
            return {}
        in_place = takewhile(lambda each: not isinstance(each, ast.Starred), node.args)
        parameters = [arg.arg for arg in (*definition.args.posonlyargs, *definition.args.args)]
        if isinstance(called, MethodType) or self._self_of(node):
            parameters = parameters[1:]
        given = [*zip(in_place, parameters, strict=False)]
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
            mro, home = bound.cls.__mro__, looked_up(self._function, "__class__")
            above = mro[mro.index(home) + 1 :] if home in mro else mro[1:]
            return next((vars(cls)[node.attr] for cls in above if node.attr in vars(cls)), None)
        base = self._meaning(node.value)
        return getattr(base, node.attr, None) if isinstance(base, ModuleType | type) else None

    def _looked_up(self, name: str) -> Any:
        if name in self._bound:
            return None
        return self._locals[name] if name in self._locals else looked_up(self._function, name)

    def _self_of_super(self, node: ast.Attribute) -> Any:
        return self._self_of(ast.Call(node, [], [])) if isinstance(node.value, ast.Call) else None


def _locals(nodes: Sequence[ast.AST], function: FunctionType) -> Iterator[tuple[str, Any]]:
    """The names that a function sets itself, with what those mean that it imports; None for all others.

    `nodes` are all of the function, which is the first of them.
    """
    for part in nodes:
        match part:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                if part is not nodes[0]:
                    yield name, None
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
            case ast.Import() | ast.ImportFrom():
                yield from imported(part, function.__globals__.get("__package__") or "")


def looked_up(function: FunctionType, name: str) -> Any:
    """The meaning of a name in a function, if it is none of its locals: in a closure, the module, or Python."""
    if name in function.__code__.co_freevars and function.__closure__:
        cell = function.__closure__[function.__code__.co_freevars.index(name)]
        try:
            return cell.cell_contents
        except ValueError:  # it is not set yet
            return None
    return function.__globals__.get(name, getattr(builtins, name, None))


def event_made(called: Any) -> type[Any] | None:
    """The event class that a call makes an event of: the class itself, or one of its class methods, is called."""
    cls = getattr(called, "__self__", None) if isinstance(called, MethodType | BuiltinMethodType) else called
    return cls if isinstance(cls, type) and is_event(cls) else None


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
    found = None if given is None else _constant(given, function)
    return str.__str__(found) if isinstance(found, str) else "{}"


def _constant(node: ast.expr, function: FunctionType) -> Any:
    """The value of a name of the module, or of an attribute of a class or a module there, as `Codes.CLOSED` is."""
    if isinstance(node, ast.Name):
        is_local = node.id in function.__code__.co_varnames or node.id in function.__code__.co_cellvars
        return None if is_local else looked_up(function, node.id)
    if not isinstance(node, ast.Attribute):
        return None
    base = _constant(node.value, function)
    return getattr(base, node.attr, None) if isinstance(base, ModuleType | type | Enum) else None


def _looks_into(node: FunctionNode, names: Collection[str]) -> bool:
    """Whether code does more with these names than to hand them on: `f(*args, **kwargs)`."""
    handed = {
        id(part.value)
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
        for part in (*call.args, *call.keywords)
        if isinstance(part, ast.Starred) or (isinstance(part, ast.keyword) and part.arg is None)
    }
    return any(
        isinstance(each, ast.Name) and each.id in names and id(each) not in handed for each in ast.walk(node)
    )


def _arguments(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)


def as_self(method: FunctionType, bound: Bound) -> dict[str, Bound]:
    """The first parameter of a method, as the object that it is called on."""
    method = unwrap(method)
    first = method.__code__.co_varnames[:1]
    return {first[0]: bound} if first else {}
