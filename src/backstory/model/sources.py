"""The files of an application as syntax trees, each parsed once: where a class or a function is, and what is inside."""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Callable, Iterator
from inspect import unwrap
from pathlib import Path
from types import FunctionType
from typing import Any

from backstory.model.elements import Place

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class File:
    """A file, parsed: its definitions by qualified name, and its functions by name and first line."""

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self.tree = ast.parse("".join(linecache.getlines(path)))
        except (SyntaxError, ValueError):
            self.tree = ast.Module([], [])
        self.named: dict[str, Definition] = {}
        self.functions: dict[tuple[str, int], ast.FunctionDef | ast.AsyncFunctionDef] = {}
        self._index(self.tree, "")

    def _index(self, node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, DEFINITIONS):
                name = f"{prefix}{child.name}"
                self.named[name] = child
                if isinstance(child, ast.ClassDef):
                    self._index(child, f"{name}.")
                else:
                    first = min([child.lineno, *(each.lineno for each in child.decorator_list)])
                    self.functions[child.name, first] = child
                    self._index(child, f"{name}.<locals>.")
            else:
                self._index(child, prefix)


class Sources:
    """The files that an application is made of, as they are asked for. `folder` is what places are relative to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._files: dict[str, File] = {}

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
        full = Path(path).resolve()
        inside = full.is_relative_to(self._folder)
        return Place((full.relative_to(self._folder) if inside else full).as_posix(), line)


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


def application_files(module_name: str) -> Iterator[str]:
    """The files of a module, or of a package with all that is inside of it, without tests."""
    module = sys.modules.get(module_name)
    folders = list(getattr(module, "__path__", ()))
    if not folders and (path := getattr(module, "__file__", None)):
        yield str(path)
    for folder in folders:
        root = Path(folder)
        yield from (str(path) for path in sorted(root.rglob("*.py")) if not is_test(path.relative_to(root)))


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
    bound: dict[str, tuple[str, str | None]] = {}
    for node in ast.walk(file.tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            bound |= {alias.asname or alias.name: (node.module, alias.name) for alias in node.names}
        elif isinstance(node, ast.Import):
            bound |= {
                alias.asname or alias.name.partition(".")[0]: (alias.name, None) for alias in node.names
            }

    def meaning(name: str) -> Any:
        own = sys.modules.get(module)
        if own is not None and hasattr(own, name):
            return getattr(own, name)
        where, attribute = bound.get(name, ("", None))
        found = sys.modules.get(where)
        return found if attribute is None else getattr(found, attribute, None)

    return meaning
