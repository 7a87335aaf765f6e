"""Words for people: warnings at the line that they are about, command lines that can be pasted, places of classes."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context, ContextVar
from types import FrameType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

_ESCAPED = str.maketrans({"\\": r"\\", "'": r"\'"})

_lines: WeakKeyDictionary[type, str] = WeakKeyDictionary()


Repeated = Callable[[Sequence[str]], Sequence[str]]
"""From the words of a command line to the same words with the options that it needs, such as the store's."""

_repeated: Repeated | None = None


def extra(module: str, by: str, name: str) -> None:
    """Raise `ExtraMissing`, with what to install, if a library is not there that only an extra brings."""
    from importlib.util import find_spec

    if find_spec(module) is None:
        from backstory.errors import ExtraMissing

        raise ExtraMissing(f"{by} needs {module}: pip install 'backstory[{name}]'", name=module)


def plain(text: str) -> str:
    """Text from the log without control characters: stored text must not move a reader's cursor, or hide on a page."""
    return (
        text
        if text.isprintable()
        else "".join(char if char.isprintable() else _visible(char) for char in text)
    )


def plain_lines(text: str) -> str:
    """The same for text of several lines: they stay lines."""
    return "\n".join(map(plain, text.split("\n")))


def cut(text: str, most: int | None, *, counted: bool = False) -> str:
    """The beginning of a text that is longer than `most` characters; `counted` says how many are left out."""
    if most is None or len(text) <= most:
        return text
    return f"{text[:most]}… {len(text) - most:,} more characters" if counted else f"{text[: most - 1]}…"


def _visible(char: str) -> str:
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char, char.encode("unicode_escape").decode())


def pasted(*words: str) -> str:
    """A command line of `backstory`, each word quoted for a shell where it has to be.

    It works as it stands: on a command line, options such as `-s` are those that were given there.
    """
    return " ".join(["backstory", *map(quoted, words if _repeated is None else _repeated(words))])


def quoted(word: str) -> str:
    """A word as a shell reads it: bash and zsh, if it has characters that a terminal would not show."""
    from shlex import quote

    if word.isprintable():
        return quote(word)
    shown = (
        char.translate(_ESCAPED)
        if char.isprintable()
        else "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))
        for char in word
    )
    return f"$'{''.join(shown)}'"


@contextmanager
def repeating(repeated: Repeated) -> Iterator[None]:
    """Add options to each command line that is shown meanwhile, in any thread: the process is one command line."""
    global _repeated  # noqa: PLW0603
    before, _repeated = _repeated, repeated
    try:
        yield
    finally:
        _repeated = before


class Line(NamedTuple):
    """A line of code, in a module with these names."""

    file: str
    number: int
    names: dict[str, Any]


_asked: ContextVar[Line | None] = ContextVar("the line that a thread works for", default=None)


def work_for_caller(context: Context) -> None:
    """Let warnings of a thread that will run in this context be about the line of the caller, or of its caller."""
    frame, _ = _outside()
    context.run(_asked.set, Line(frame.f_code.co_filename, frame.f_lineno, frame.f_globals))


_is_quiet: ContextVar[bool] = ContextVar("nobody is warned", default=False)


@contextmanager
def quiet() -> Iterator[None]:
    """Warn of nothing in a block of code, in this thread or task alone: filters of warnings are the process's."""
    token = _is_quiet.set(True)
    try:
        yield
    finally:
        _is_quiet.reset(token)


def warn(words: str, category: type[Warning]) -> None:
    """Warn at the innermost line that is not Backstory's own; in a thread of Backstory's, at that it works for."""
    if _is_quiet.get():
        return
    frame, depth = _outside()
    line = _asked.get()
    if line is None or frame.f_globals.get("__name__") != "threading":
        warnings.warn(words, category, stacklevel=depth)
        return
    file, number, names = line
    registry = names.setdefault("__warningregistry__", {})
    warnings.warn_explicit(words, category, file, number, names.get("__name__"), registry)


def note_line(cls: type) -> None:
    """Remember the line that defines a class: a module that is loaded again has two classes of one name."""
    frame, _ = _outside()
    _lines[cls] = f"{frame.f_code.co_filename}:{frame.f_lineno}"


def two_of_one_name(wanted: type, given: type) -> str:
    """The end of an error about a class that is not the wanted one, and has its name; empty if it has another one."""
    if wanted is given or wanted.__name__ != given.__name__:
        return ""
    first, second = (
        f"{cls.__module__}.{cls.__qualname__} ({_lines.get(cls, 'nobody knows where')})"
        for cls in (wanted, given)
    )
    return (
        f": there are two classes of this name, {first}, which is wanted, and {second}, which was given."
        " If a module or a cell ran twice, run the code that uses the class again, too; else import the one that is"
        " wanted"
    )


def _outside() -> tuple[FrameType, int]:
    """The innermost frame that is not Backstory's own, and its depth for `warnings.warn` in the caller."""
    frame, depth = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "backstory":
        frame, depth = frame.f_back, depth + 1
    return frame, depth
