"""Words for people: warnings at the line that they are about, command lines that can be pasted, places of classes."""

from __future__ import annotations

import sys
import warnings
from types import FrameType
from weakref import WeakKeyDictionary

_lines: WeakKeyDictionary[type, str] = WeakKeyDictionary()


def pasted(*words: str) -> str:
    """A command line of `backstory`, each word quoted for a shell where it has to be."""
    from shlex import join

    return join(["backstory", *words])


def warn(words: str, category: type[Warning]) -> None:
    """Warn at the innermost line that is not Backstory's own."""
    _, depth = _outside()
    warnings.warn(words, category, stacklevel=depth)


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
