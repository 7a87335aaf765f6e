"""Writes `backstory/aio/verbs.py`, which has the verbs of `Database`, awaited, and `backstory/aio/rows.py`, of `Table`.

    python scripts/async_face.py            # after a change in `backstory/verbs/`, or in `backstory/table.py`
    python scripts/async_face.py --check    # fails where a module is not what it would write

The verbs that are not simply run in a worker thread are written by hand, in `backstory/aio/database.py` and `table.py`.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).parents[1] / "src" / "backstory"


class Face(NamedTuple):
    """A module that is written: from which, what is above its verbs, whose they are, and which are left out."""

    target: Path
    sources: list[Path]
    top: str
    of: str
    below: str
    by_hand: set[str]


STREAMED = re.compile(r"^(?:Iterator|Live)\[")
"""The types of those that are given one by one; in a task they are a `Stream`."""

VERBS = '''"""The verbs of `Database`, awaited. `scripts/async_face.py` makes them from `backstory/verbs/`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal, overload

from backstory.aio.face import Face
from backstory.aio.stream import Stream
{runtime}

if TYPE_CHECKING:
    from typing import Self

{types}

class Verbs(Face):
    """Each verb says in `Database` what it does."""

'''


ROWS = '''"""The verbs of a table, awaited. `scripts/async_face.py` makes them from `backstory/table.py`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Unpack

from backstory.aio.face import TableFace
from backstory.aio.stream import Stream
{runtime}

if TYPE_CHECKING:
    from backstory.table import Given, Key, Saying
{types}

T = TypeVar("T")


class TableVerbs(TableFace[T]):
    """Each verb says in `Table` what it does."""

'''

THEMES = (
    "held",
    "writing",
    "reading",
    "branching",
    "asking",
    "debugging",
    "following",
    "projecting",
    "framing",
    "tabling",
)
FACES = [
    Face(
        PACKAGE / "aio" / "verbs.py",
        [PACKAGE / "verbs" / f"{theme}.py" for theme in THEMES],
        VERBS,
        "Database",
        "self.db",
        {"append", "atomic", "execute", "run", "table"},
    ),
    Face(PACKAGE / "aio" / "rows.py", [PACKAGE / "table.py"], ROWS, "Table", "self.table", {"edit", "row"}),
]


def written(face: Face) -> str:
    """The module as it should be."""
    trees = [ast.parse(source.read_text()) for source in face.sources]
    verbs, defaults, annotations, homes = list[ast.FunctionDef](), set[str](), set[str](), dict[str, str]()
    for tree in trees:
        own = list(_verbs(tree, face))
        given = {name for verb in own for default in _defaults(verb) for name in _names(default)}
        said = {name for verb in own for part in _annotations(verb) for name in _names(part)}
        homes |= {name: home for name, home in _imports(tree).items() if name in given | said}
        verbs, defaults, annotations = verbs + own, defaults | given, annotations | said
    top = face.top.format(
        runtime=_imported(defaults & set(homes), homes),
        types=_imported(annotations & set(homes) - defaults - {"Any", "Self"}, homes, "    "),
    )
    return _formatted(top + "\n".join(_verb(verb, face) for verb in verbs), face.target)


def _verbs(tree: ast.Module, face: Face) -> Iterator[ast.FunctionDef]:
    """The public methods of the last class of a module, but for those that are written by hand."""
    *_, verbs = [one for one in tree.body if isinstance(one, ast.ClassDef)]
    for one in verbs.body:
        if not isinstance(one, ast.FunctionDef) or one.name.startswith("_") or one.name in face.by_hand:
            continue
        if not any(ast.unparse(mark) == "property" for mark in one.decorator_list):
            yield one


def _verb(verb: ast.FunctionDef, face: Face) -> str:
    """One verb, as it is awaited."""
    plain = "None" if verb.returns is None else ast.unparse(verb.returns)
    gives = STREAMED.sub("Stream[", plain)
    if any(ast.unparse(mark) == "overload" for mark in verb.decorator_list):
        kind = "async def" if gives == plain else "def"
        return f"    @overload\n    {kind} {verb.name}({ast.unparse(verb.args)}) -> {gives}: ...\n"
    name, called = verb.name, ", ".join(_passed(verb.args))
    see, below = f'"""See `{face.of}.{name}`."""', f"{face.below}.{name}"
    arguments = ast.unparse(verb.args)
    if gives.startswith("AbstractContextManager["):
        return f"    def {name}({arguments}) -> {gives}:\n        {see}\n        return {below}({called})\n"
    called = f"{below}, {called}" if called else below
    if gives != plain:
        result = f"self._live({called})" if plain.startswith("Live[") else f"self._stream(partial({called}))"
        return f"    def {name}({arguments}) -> {gives}:\n        {see}\n        return {result}\n"
    result = f"await self._run({called})"
    if gives == "Self":
        result = f"self._opened({result})"
    return f"    async def {name}({arguments}) -> {gives}:\n        {see}\n        return {result}\n"


def _passed(arguments: ast.arguments) -> Iterator[str]:
    """The arguments of a verb, as they are passed on."""
    yield from (one.arg for one in [*arguments.posonlyargs, *arguments.args][1:])
    if arguments.vararg:
        yield f"*{arguments.vararg.arg}"
    yield from (f"{one.arg}={one.arg}" for one in arguments.kwonlyargs)
    if arguments.kwarg:
        yield f"**{arguments.kwarg.arg}"


def _defaults(verb: ast.FunctionDef) -> list[ast.expr]:
    return [one for one in (*verb.args.defaults, *verb.args.kw_defaults) if one is not None]


def _annotations(verb: ast.FunctionDef) -> list[ast.expr]:
    arguments = verb.args
    every = (
        *arguments.posonlyargs,
        *arguments.args,
        *arguments.kwonlyargs,
        arguments.vararg,
        arguments.kwarg,
    )
    parts = [one.annotation for one in every if one is not None]
    return [part for part in (*parts, verb.returns) if part is not None]


def _names(part: ast.expr) -> set[str]:
    return {one.id for one in ast.walk(part) if isinstance(one, ast.Name)}


def _imports(tree: ast.Module) -> dict[str, str]:
    """Where the module has its names from."""
    found = (one for one in ast.walk(tree) if isinstance(one, ast.ImportFrom) and one.module)
    return {name.asname or name.name: str(one.module) for one in found for name in one.names}


def _imported(names: set[str], homes: dict[str, str], indent: str = "") -> str:
    by_home: dict[str, list[str]] = {}
    for name in sorted(names):
        by_home.setdefault(homes[name], []).append(name)
    return "\n".join(f"{indent}from {home} import {', '.join(by_home[home])}" for home in sorted(by_home))


def _formatted(code: str, target: Path) -> str:
    for step in (["check", "--fix", "--quiet", "--select", "I,F401"], ["format", "--quiet"]):
        command = [sys.executable, "-m", "ruff", *step, "--stdin-filename", str(target), "-"]
        code = subprocess.run(command, input=code, capture_output=True, text=True, check=True).stdout
    return code


def main() -> None:
    """Write the modules, or say that one is old."""
    for face in FACES:
        code = written(face)
        if "--check" not in sys.argv[1:]:
            face.target.write_text(code)
        elif code != face.target.read_text():
            sys.exit(f"{face.target} is not what the verbs say: run python scripts/async_face.py")


if __name__ == "__main__":
    main()
