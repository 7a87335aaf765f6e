"""Errors of an application's own code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from backstory.decide.state import State
from backstory.errors import ApplicationError, BackstoryError


@contextmanager
def theirs(code: str | State | type[State]) -> Iterator[None]:
    """Name the part of the application's own code that raised an error: for a state, its `apply`."""
    try:
        yield
    except (BackstoryError, OSError):
        raise
    except Exception as wrong:
        from backstory.application import failure

        cls = code if isinstance(code, type) else type(code)
        what = code if isinstance(code, str) else f"{cls.__name__}.apply"
        raise ApplicationError(f"{what} failed:\n{failure(wrong)}") from wrong
