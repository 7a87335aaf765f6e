"""Errors that an application's own code raises while it folds, decides or is imported: said with its lines alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from backstory.errors import ApplicationError, BackstoryError

NOT_THEIRS = ("importlib", "backstory")
"""Modules whose lines in a traceback do not help somebody who looks for a mistake in their own code."""


@contextmanager
def theirs(code: object) -> Iterator[None]:
    """Name the part of the application's own code that raised an error: for a state or its class, its `apply`."""
    try:
        yield
    except (BackstoryError, OSError):
        raise
    except Exception as wrong:
        cls = code if isinstance(code, type) else type(code)
        what = code if isinstance(code, str) else f"{cls.__name__}.apply"
        raise ApplicationError(f"{what} failed:\n{failure(wrong)}") from wrong


def failure(error: BaseException) -> str:
    """An error in somebody's own code: their lines of the traceback, the innermost last, and the error itself."""
    import traceback

    if isinstance(error, SyntaxError):
        return "".join(traceback.format_exception_only(error)).rstrip()
    lines = [
        f"  {frame.f_code.co_filename}:{line} in {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__", "").partition(".")[0] not in NOT_THEIRS
        and not frame.f_code.co_filename.startswith("<frozen")
    ]
    return "\n".join([*lines, f"{type(error).__name__}: {error}"])
