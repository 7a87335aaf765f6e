"""The files of an application as syntax trees, each parsed once: where a class or a function is, and what is inside."""

from __future__ import annotations

import ast
import linecache
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from importlib.util import resolve_name
from inspect import unwrap
from pathlib import Path
from types import FunctionType
from typing import Any

from backstory.model.elements import Place

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class File:
    """A file, parsed: its nodes, its definitions by qualified name, and its functions by name and first line."""

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self.tree = ast.parse("".join(linecache.getlines(path)))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            self.tree = ast.Module([], [])
        self.named: dict[str, Definition] = {}
        self.functions: dict[tuple[str, int], ast.FunctionDef | ast.AsyncFunctionDef] = {}
        self.nodes = self._index()

    def _index(self) -> list[ast.AST]:
        found: list[tuple[ast.AST, str]] = [(self.tree, "")]  # no recursion: a long sum is a deep tree
        for node, prefix in found:
            for child in children(node):
                inside = prefix
                if isinstance(child, DEFINITIONS):
                    name = f"{prefix}{child.name}"
                    self.named[name] = child
                    inside = f"{name}."
                    if not isinstance(child, ast.ClassDef):
                        first = min([child.lineno, *(each.lineno for each in child.decorator_list)])
                        self.functions[child.name, first] = child
                        inside = f"{name}.<locals>."
                found.append((child, inside))
        return [node for node, _ in found]


def children(node: ast.AST) -> list[ast.AST]:
    """As `ast.iter_child_nodes`, in half of the time: to read a model is mostly this."""
    found: list[ast.AST] = []
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, ast.AST):
            found.append(value)
        elif isinstance(value, list):
            found += [each for each in value if isinstance(each, ast.AST)]
    return found


class Sources:
    """The files that an application is made of, as they are asked for. `folder` is what places are relative to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._files: dict[str, File] = {}
        self._shown: dict[str, str] = {}

    def file(self, path: str) -> File:
        """A file, parsed; an empty one if it cannot be read."""
        if path not in self._files:
            self._files[path] = File(path)
        return self._files[path]

    def function(self, function: Any) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """The definition of a function; None where there is no source, as for a lambda."""
        if not isinstance(function, FunctionType):
            return None
        code = function.__code__
        return self.file(code.co_filename).functions.get((code.co_name, code.co_firstlineno))

    def place(self, thing: Any) -> Place | None:
        """The line on which a function or a class is defined; None where there is no source."""
        thing = unwrap(thing)
        if isinstance(thing, FunctionType):
            node = self.function(thing)
            line = thing.__code__.co_firstlineno if node is None else node.lineno
            return self.at(thing.__code__.co_filename, line)
        path = file_of(thing)
        if path is None:
            return None
        found = self.file(path).named.get(thing.__qualname__)
        return None if found is None else self.at(path, found.lineno)

    def at(self, path: str, line: int) -> Place | None:
        """A line of a file; None for code that is in no file."""
        if path.startswith("<"):
            return None
        if path not in self._shown:
            full = Path(path).resolve()
            inside = full.is_relative_to(self._folder)
            self._shown[path] = (full.relative_to(self._folder) if inside else full).as_posix()
        return Place(self._shown[path], line)


def file_of(cls: type[Any]) -> str | None:
    """The file of a class: that of its module, else that of one of its functions."""
    path = getattr(sys.modules.get(cls.__module__), "__file__", None)
    if path is not None:
        return str(path)
    functions = (value for value in vars(cls).values() if isinstance(value, FunctionType))
    return next((function.__code__.co_filename for function in functions), None)


def home_of(module_name: str) -> Path:
    """The folder that an application is seen from: that of its module, or the one around its package."""
    top = module_name.partition(":")[0].partition(".")[0]
    module = sys.modules.get(top)
    path = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), None)
    if path is None:
        return Path()
    file = Path(path)
    return file.parent.parent if file.name == "__init__.py" else file.parent


INSTALLED = frozenset(("site-packages", "dist-packages"))
"""Folders of packages that have nothing to do with each other."""


def application_files(module_name: str) -> Iterator[str]:
    """The files of a module, or of a package with all that is inside of it; and those beside it that import it.

    Beside it are the modules and the packages of the same folder. Tests are no part of them.
    """
    module = sys.modules.get(module_name)
    folders = [Path(each) for each in getattr(module, "__path__", ())]
    path = getattr(module, "__file__", None)
    if not folders and path:
        yield str(path)
    for folder in folders:
        yield from map(str, _python_files(folder))
    own = folders[0] if folders else Path(path or "")
    if own.parent.name in INSTALLED or not (folders or path):
        return
    name = re.escape(module_name.rpartition(".")[2].encode())
    imports = re.compile(rb"\b(?:import|from)\b.*\b%b\b" % name)
    packages = (each.parent for each in own.parent.glob("*/__init__.py"))
    beside = [
        *own.parent.glob("*.py"),
        *(file for each in packages if each != own for file in _python_files(each)),
    ]
    for each in sorted(beside):
        if each != own and not is_test(each.relative_to(own.parent)) and imports.search(_content(each)):
            yield str(each)


def _python_files(folder: Path) -> list[Path]:
    return sorted(each for each in folder.rglob("*.py") if not is_test(each.relative_to(folder)))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def module_of(path: str, module: str) -> str:
    """The name of the module that a file is, by the modules of an application that are imported."""
    own = (
        name
        for name, each in list(sys.modules.items())
        if getattr(each, "__file__", None) == path and name.partition(".")[0] == module.partition(".")[0]
    )
    return next(own, "")


def is_test(path: Path) -> bool:
    """Whether a file of this relative path holds tests."""
    return (
        path.name.startswith("test_")
        or path.stem.endswith("_test")
        or path.name == "conftest.py"
        or "tests" in path.parts
    )


def names_of(file: File, module: str) -> Callable[[str], Any]:
    """A function from a name in a file to what it means there: what is imported, or defined in the module.

    A file that was not imported itself, such as `__main__`, is known by its import statements alone.
    """
    own, bound = sys.modules.get(module), dict[str, Any]()
    package = _package_of(file.path) if own is None else own.__package__ or ""
    for node in file.nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound.update(imported(node, package))

    def meaning(name: str) -> Any:
        return getattr(own, name) if own is not None and hasattr(own, name) else bound.get(name)

    return meaning


def imported(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, Any]]:
    """The names that a statement brings in a module of a package, with what they mean; None where it is not loaded."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            name = alias.name if alias.asname else alias.name.partition(".")[0]
            yield alias.asname or name, sys.modules.get(name)
        return
    module = "." * node.level + (node.module or "")
    try:
        module = resolve_name(module, package) if node.level else module
    except ImportError:
        return
    for alias in node.names:
        found = None
        with suppress(Exception):  # a module may have a function of its own for names that it does not have
            found = getattr(sys.modules.get(module), alias.name, None)
        yield (
            alias.asname or alias.name,
            sys.modules.get(f"{module}.{alias.name}") if found is None else found,
        )


def _package_of(path: str) -> str:
    """The name of the package that a file lies in, if the package was imported."""
    folder = str(Path(path).parent)
    return next((name for name, each in list(sys.modules.items()) if folder in _folders(each)), "")


def _folders(module: Any) -> list[str]:
    path = getattr(module, "__path__", None)
    return [str(each) for each in path] if isinstance(path, Iterable) else []
