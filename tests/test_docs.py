"""Runs every code block of the README, CONTRIBUTING, docs/ and examples/, page by page, as a reader would from the top.

A page is one test with one temporary folder. What its fences mean:

    ```python            Runs in the page's one namespace. `expression  # 300` and `print(expression)  # 300` are
                         claims: where the comment is a Python literal, the value must be that.
    ```console           `$ command` runs in bash, `> ` continues it; what follows is what it prints (on both
                         streams), where `...` stands for any text of a line, and alone for any lines. A change of
                         folder and exported variables last to the end of the page. The exit code is 0; with
                         `console exit=1`, that of the last command is 1.
    ```json, ```toml     Must parse.
    ```sql               Runs, read only, on the store of the page: the only *.db file there, or `sql store=FILE`.
                         On a page without a store it is text.
    ```text, ```mermaid  Are for people.

With `file=NAME`, a block of Python, of the last three rows or of data is first written to that file of the page's
folder. Any other language fails, so that nothing in the docs goes unexecuted unnoticed.
"""

from __future__ import annotations

import ast
import contextlib
import difflib
import io
import json
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
import textwrap
import tokenize
import tomllib
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from backstory.decide import register
from backstory.values.event import definitions

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted(EXAMPLES.rglob("*.md")),
    *sorted((ROOT / "src" / "backstory" / "guide").glob("*.md")),
    ROOT / "evals" / "README.md",
]
SECONDS = 120

NOT_RUN = {
    r"git clone\b": "needs the network; a test must not",
    r"make( |$)": "sets up a virtual environment and runs this very test; CI runs it as it is",
    r"(python3? -m )?pip install\b": "needs the network, and would change the environment that the tests run in",
}
"""Commands that a page may show but no test runs. No page may claim what they print."""

OPTIONS: dict[str, set[str]] = {"python": {"file"}, "console": {"exit"}, "sql": {"file", "store"}}
"""What may follow the language of a fence; `file` where nothing is said here."""

GITCONFIG = """\
[user]
name = Ann Reader
email = ann@example.org
[init]
defaultBranch = main
"""
"""A reader has told Git who they are."""


class Block(NamedTuple):
    """A fenced code block: the first word after the fence, the `key=value` words, its text, and where that starts."""

    language: str
    options: dict[str, str]
    text: str
    path: Path
    line: int


class Step(NamedTuple):
    """A command of a console block, what the page says that it prints, and its line."""

    command: str
    output: str
    line: int


def blocks(text: str, path: Path) -> Iterator[Block]:
    """Every fenced code block of a Markdown text, in order. Raises ValueError for a fence that is never closed."""
    lines = iter(enumerate(text.splitlines(), 1))
    for number, line in lines:
        fence = re.fullmatch(r"\s*(?P<ticks>`{3,}|~{3,})\s*(?P<info>[^`]*)", line)
        if fence is None:
            continue
        closing = re.compile(rf"\s*{fence['ticks'][0]}{{{len(fence['ticks'])},}}\s*")
        body: list[str] = []
        for _, inside in lines:
            if closing.fullmatch(inside):
                break
            body.append(inside)
        else:
            raise ValueError(f"{path}:{number}: this fence is never closed")
        language, *words = shlex.split(fence["info"]) or [""]
        options = {key: value for key, _, value in (word.partition("=") for word in words)}
        yield Block(language, options, textwrap.dedent("\n".join(body) + "\n"), path, number + 1)


def steps(block: Block) -> Iterator[Step]:
    """The commands of a console block, each with the output that the page shows."""
    found: list[tuple[list[str], list[str], int]] = []
    for number, line in enumerate(block.text.splitlines(), block.line):
        if line.startswith("$ "):
            found.append(([line[2:]], [], number))
        elif not found:
            raise ValueError(f"{block.path}:{number}: a console block starts with `$ ` and a command")
        elif re.match(r">( |$)", line) and not found[-1][1]:
            found[-1][0].append(line[2:])
        else:
            found[-1][1].append(line)
    for command, output, number in found:
        yield Step("\n".join(command), "\n".join(output), number)


def plain(output: str) -> list[str]:
    """The lines of an output, without the spaces at the end of each and the empty lines around them."""
    return [line.rstrip() for line in output.strip("\n").splitlines()] if output.strip() else []


def matches(expected: str, actual: str) -> bool:
    """Whether an output is the expected one: `...` stands for any text of a line, and alone for any lines."""
    pattern = "".join(
        r"(?:.*\n)*" if line.strip() == "..." else ".*".join(map(re.escape, line.split("..."))) + r"\n"
        for line in plain(expected)
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in plain(actual))) is not None


class Page:
    """One page being run: its folder, its namespace and its shell."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path = path
        self.folder = folder / "page"
        self.folder.mkdir()
        self.home = folder / "home"
        self.home.mkdir()
        self.session = folder / "session"
        self.module = types.ModuleType("page_" + re.sub(r"\W", "_", path.stem.lower()))
        self.module.__file__ = str(path)
        self.runners: dict[str, Callable[[Block], None]] = {
            "python": self.python,
            "console": self.console,
            "json": self.json,
            "toml": self.toml,
            "sql": self.sql,
            "text": self.text,
            "mermaid": self.text,
        }
        (self.home / ".gitconfig").write_text(GITCONFIG, encoding="utf-8")

    def run(self) -> None:
        """Run it from top to bottom. Raises what its code raises, and AssertionError where it says what is not so."""
        text = self.path.read_text(encoding="utf-8")
        shipped = ("backstory.", "examples.") if "examples." in text else ("backstory.",)
        with contextlib.chdir(self.folder), fresh_definitions(shipped), importable(self.module):
            for block in blocks(text, self.path):
                place = f"{block.path}:{block.line - 1}"
                assert block.language in self.runners, (
                    f"{place}: {block.language or 'no language'!r} on this fence, so nobody knows whether it works; "
                    f"use one of {', '.join(self.runners)}"
                )
                unknown = set(block.options) - OPTIONS.get(block.language, {"file"})
                assert not unknown, (
                    f"{place}: {block.language} blocks know no {' and no '.join(sorted(unknown))}"
                )
                if "file" in block.options:
                    file = self.folder / block.options["file"]
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_text(block.text, encoding="utf-8")
                self.runners[block.language](block)

    def python(self, block: Block) -> None:
        """Run a block with the line numbers that it has on the page, and hold its comments to their word."""
        source = "\n" * (block.line - 1) + block.text
        claims = {
            token.start[0]: token.string.removeprefix("#").strip()
            for token in tokenize.generate_tokens(io.StringIO(source).readline)
            if token.type == tokenize.COMMENT and is_literal(token.string.removeprefix("#").strip())
        }
        tree = ast.fix_missing_locations(Claims(claims).visit(ast.parse(source, str(block.path))))
        vars(self.module)[Claims.CHECK] = self.check
        exec(compile(tree, str(block.path), "exec", dont_inherit=True), vars(self.module))

    def check(self, value: Any, expected: str, line: int, *, printed: bool) -> Any:
        """Hold one comment to its word; return the value, which goes on as if nothing had looked at it."""
        shown = str(value) if printed else repr(value)
        same = shown == expected or (not printed and value == ast.literal_eval(expected))
        assert same, f"{self.path}:{line}: the page says {expected}, and it is {shown}"
        return value

    def console(self, block: Block) -> None:
        """Run the commands of a block, and compare what they print and how they end."""
        commands = list(steps(block))
        for step in commands:
            place = f"{block.path}:{step.line}"
            reason = next((why for what, why in NOT_RUN.items() if re.match(what, step.command)), None)
            if reason is not None:
                assert not plain(step.output), (
                    f"{place}: `{step.command}` is not run, so nobody knows what it prints"
                )
                print(f"{place}: `{step.command}` is not run: {reason}")
                continue
            code, output = self.bash(step.command)
            expected = int(block.options.get("exit", "0")) if step is commands[-1] else 0
            assert code == expected, (
                f"{place}: `{step.command}` ended with {code}, not {expected}, and printed:\n{output}"
            )
            if not matches(step.output, output):
                difference = difflib.unified_diff(
                    plain(step.output), plain(output), "page", "actual", lineterm=""
                )
                raise AssertionError("\n".join([f"{place}: `{step.command}` printed", *difference]))

    def bash(self, command: str) -> tuple[int, str]:
        """Run one command where the last one left off; return its exit code and what both its streams printed."""
        state = shlex.quote(str(self.session))
        script = (
            f"set -euo pipefail; if [ -e {state} ]; then . {state}; fi\n"
            f'trap \'code=$?; {{ export -p; printf "cd %q\\n" "$PWD"; }} > {state}; exit $code\' EXIT\n'
            f"{command}\n"
        )
        environment = {
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "NO_COLOR": "1",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
            "PYTHONWARNINGS": "error",
            "TZ": "UTC",
        }
        if self.path.is_relative_to(EXAMPLES) or self.path.is_relative_to(ROOT / "evals"):
            environment["PYTHONPATH"] = str(ROOT)  # they are run from a checkout
        with subprocess.Popen(
            ["bash", "-c", script],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:
            try:
                output, _ = process.communicate(timeout=SECONDS)
            except subprocess.TimeoutExpired:
                raise AssertionError(
                    f"{self.path}: `{command}` ran for more than {SECONDS} seconds"
                ) from None
            finally:
                with contextlib.suppress(ProcessLookupError):  # what it left behind would keep the pipe open
                    os.killpg(process.pid, signal.SIGKILL)
        return process.returncode, output.decode(errors="backslashreplace")

    def json(self, block: Block) -> None:
        """Parse a block."""
        json.loads(block.text)

    def toml(self, block: Block) -> None:
        """Parse a block."""
        tomllib.loads(block.text)

    def sql(self, block: Block) -> None:
        """Run a block on the store of the page, with Python's own SQLite, as a reader without Backstory would."""
        stores = (
            [block.options["store"]]
            if "store" in block.options
            else [path.name for path in self.folder.glob("*.db")]
        )
        assert len(stores) <= 1, (
            f"{block.path}:{block.line - 1}: say which of {stores} it is about, with store=FILE"
        )
        for store in stores:
            with contextlib.closing(
                sqlite3.connect(f"file:{self.folder / store}?mode=ro", uri=True)
            ) as database:
                try:
                    database.executescript(block.text)
                except sqlite3.Error as wrong:
                    raise AssertionError(f"{block.path}:{block.line}: {wrong}") from wrong

    def text(self, block: Block) -> None:
        """Nothing: it is for people."""


class Claims(ast.NodeTransformer):
    """Turns `expression  # 300` into a check that it is 300, wherever the comment of a line is a Python literal."""

    CHECK = "_the_page_says"

    def __init__(self, claims: dict[int, str]) -> None:
        self.claims = claims

    def visit_Expr(self, node: ast.Expr) -> ast.Expr:
        """Wrap the expression of a line, or what it prints."""
        line = node.end_lineno or node.lineno
        if line in self.claims:
            match node.value:
                case ast.Call(func=ast.Name(id="print"), args=[shown], keywords=[]):
                    node.value.args = [self._checked(shown, line, printed=True)]
                case _:
                    node.value = self._checked(node.value, line, printed=False)
        return node

    def _checked(self, value: ast.expr, line: int, *, printed: bool) -> ast.expr:
        return ast.copy_location(
            ast.Call(
                func=ast.Name(self.CHECK, ast.Load()),
                args=[value, ast.Constant(self.claims[line]), ast.Constant(line)],
                keywords=[ast.keyword("printed", ast.Constant(printed))],
            ),
            value,
        )


def is_literal(text: str) -> bool:
    """Whether a text is a Python literal, and so a claim about a value."""
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return False
    return True


@contextlib.contextmanager
def importable(module: types.ModuleType) -> Iterator[None]:
    """Let classes that are defined in a module find their names in it (`typing.get_type_hints` looks there).

    A page that imports its own files leaves no module, and no folder in which Python looks for one.
    """
    assert module.__name__ not in sys.modules
    sys.modules[module.__name__] = module
    path = list(sys.path)
    try:
        yield
    finally:
        here = str(Path.cwd())
        for name, loaded in list(sys.modules.items()):
            if loaded is module or str(getattr(loaded, "__file__", "")).startswith(here):
                del sys.modules[name]
        sys.path[:] = path
        sys.path_importer_cache.pop(".", None)


@contextlib.contextmanager
def fresh_definitions(kept: tuple[str, ...]) -> Iterator[None]:
    """Forget the events and commands of other pages and tests, which may have the same names: a page is a program.

    `kept` are the beginnings of the modules whose events stay.
    """

    def shipped() -> dict[str, type[Any]]:
        return {name: cls for name, cls in definitions.items() if cls.__module__.startswith(kept)}

    before, start = dict(definitions), shipped()
    known, clashing = dict(register.definitions), set(register.clashes)
    register.definitions.clear()
    register.clashes.clear()
    definitions.clear()
    definitions.update(start)
    try:
        yield
    finally:
        after = before | shipped()
        definitions.clear()
        definitions.update(after)
        register.definitions.clear()
        register.definitions.update(known)
        register.clashes.clear()
        register.clashes.update(clashing)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_code_block_of_a_page_does_what_the_page_says(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BACKSTORY_STORE", raising=False)
    try:
        Page(path, tmp_path).run()
    finally:
        for name, module in list(sys.modules.items()):
            if str(tmp_path) in str(getattr(module, "__file__", "")):
                del sys.modules[name]  # another page or test has an application of that name


# The rest tests the runner itself: a check that cannot fail is no check.


@pytest.fixture
def run(tmp_path: Path) -> Callable[[str], None]:
    """Run a Markdown text as a page."""

    def run(text: str) -> None:
        path = tmp_path / "sample.md"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        Page(path, tmp_path).run()

    return run


def test_blocks_are_found_with_their_lines_languages_and_options() -> None:
    text = "# Title\n\n```python\na = 1\n```\n\n- item\n\n  ~~~~console exit=1\n  $ false\n  ~~~\n  ~~~~\n"
    found = list(blocks(text, Path("x.md")))
    assert found == [
        Block("python", {}, "a = 1\n", Path("x.md"), 4),
        Block("console", {"exit": "1"}, "$ false\n~~~\n", Path("x.md"), 10),
    ]


def test_a_page_that_is_right_passes_and_shares_one_namespace_and_one_folder(
    run: Callable[[str], None],
) -> None:
    run("""
        ```python
        from pathlib import Path
        class Made: size: "int"
        _ = Path("made.txt").write_text("one\\ntwo 2026-11-01\\n")
        ```
        ```console
        $ cat made.txt
        one
        two ...
        $ mkdir sub && cd sub && export WHO=ann
        ```
        ```json file=data.json
        {"a": 1}
        ```
        ```console exit=3
        $ pwd; echo \\
        >   "$WHO" >&2
        .../page/sub
        ann
        $ cat ../data.json; echo; exit 3
        ...
        ```
        ```python
        import typing
        typing.get_type_hints(Made)["size"].__name__  # 'int'
        print(Path("made.txt").read_text()[:3])  # not a literal, so not a claim
        print(1 + 1)  # 2
        ```
    """)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```python\nassert 1 == 2\n```", r"^$"),
        ("```python\n(1 +\n 1)  # 3\n```", r"sample.md:3: the page says 3, and it is 2"),
        ("```python\nprint('a')  # 5\n```", r"the page says 5, and it is a"),
        (
            "```python\ndef f():\n    print(1)  # 2\n```\n```python\n7  # 7\nf()\n```",
            r"sample.md:3: the page says 2",
        ),
        ("```python no-run\n1\n```", "python blocks know no no-run"),
        ("```console\n$ echo one\ntwo\n```", r"(?s)sample.md:2: `echo one` printed.*-two.*\+one"),
        ("```console\n$ echo one\n```", "printed"),
        ("```console\n$ true\none\n```", "printed"),
        ("```console\n$ false\n```", "ended with 1, not 0"),
        ("```console\n$ false | true\n```", "ended with 1, not 0"),
        ("```console exit=1\n$ true\n```", "ended with 0, not 1"),
        ("```console exit=1\n$ false\n$ false\n```", "ended with 1, not 0"),
        ("```console\n$ make demo\nDone.\n```", "is not run, so nobody knows"),
        ("```console exit=2\n$ sqlite3-that-is-not-there\n...\n```", "ended with 127, not 2"),
        ("```\nwhat?\n```", "'no language' on this fence"),
        ("```sh\nls\n```", "'sh' on this fence"),
        ("```python\nopen('a.db', 'w').close()\n```\n```sql\nSELECT * FROM nowhere;\n```", "no such table"),
    ],
)
def test_a_page_that_is_wrong_fails(run: Callable[[str], None], text: str, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        run(text)


def test_broken_data_fails(run: Callable[[str], None]) -> None:
    with pytest.raises(json.JSONDecodeError):
        run("```json\n{\n```")


def test_broken_toml_fails(run: Callable[[str], None]) -> None:
    with pytest.raises(tomllib.TOMLDecodeError):
        run("```toml\n=\n```")


def test_a_fence_that_is_never_closed_fails(run: Callable[[str], None]) -> None:
    with pytest.raises(ValueError, match=r"sample.md:3: this fence is never closed"):
        run("\ntext\n```python\n1\n")


def test_an_error_points_to_its_line_on_the_page(run: Callable[[str], None], tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        run("one\n\n```python\nx = 0\n1 / x\n```\n")
    last = caught.traceback[-1]
    assert (last.path, last.lineno + 1) == (tmp_path / "sample.md", 5)


def test_a_page_leaves_nothing_behind(run: Callable[[str], None]) -> None:
    before = dict(definitions), set(sys.modules), Path.cwd()
    run("```python\nfrom backstory.values.event import Event\nclass LeftBehind(Event):\n    n: int\n```")
    assert (dict(definitions), set(sys.modules), Path.cwd()) == before


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ("", "", True),
        ("", "x\n", False),
        ("...", "", True),
        ("...", "x\ny\n", True),
        ("a\n...\nz", "a\nz\n", True),
        ("a\n...\nz", "a\nb\n\nc\nz\n", True),
        ("a\n...\nz", "a\nb\n", False),
        ("commit ... by ann", "commit 3f2a9c by ann\n", True),
        ("commit ...", "commit 1\ncommit 2\n", False),
        ("a.c", "abc\n", False),
        ("a  ", "a\n\n", True),
    ],
)
def test_an_ellipsis_stands_for_text_of_one_line_or_alone_for_lines(
    expected: str, actual: str, same: bool
) -> None:
    assert matches(expected, actual) is same
