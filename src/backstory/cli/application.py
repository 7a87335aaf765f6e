"""Whose code it is about: `--app`, then `BACKSTORY_APP`, then the nearest pyproject.toml that names one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from backstory.cli import UsageError, place
from backstory.errors import ApplicationError, BackstoryError

if TYPE_CHECKING:
    from argparse import Namespace, _ActionsContainer

    from backstory.app import App


def add_option(parser: _ActionsContainer) -> None:
    """Let the verb be told which application."""
    parser.add_argument(
        "--app",
        metavar="MODULE[:NAME]",
        help="the application; else BACKSTORY_APP, else [tool.backstory] app in pyproject.toml",
    )


def find(arguments: Namespace) -> tuple[str, Path]:
    """The application's name, and the folder that it is seen from. Raises `UsageError` that explains the three ways."""
    named: str | None = arguments.app or os.environ.get("BACKSTORY_APP")
    if named:
        return named, Path.cwd()
    found = place.from_project(str(Path.cwd()), "app")
    if found is not None:
        return found[1], Path(found[0])
    raise UsageError(
        "no application is named. Name the module that has its events, states and commands, in any of these ways:\n"
        "  backstory ... --app bank            for one command; a list or a class in it: --app bank:parts\n"
        "  export BACKSTORY_APP=bank           for this shell\n"
        "  [tool.backstory]                    for a project, in its pyproject.toml, seen from that file's folder\n"
        '  app = "bank"'
    )


def loaded(arguments: Namespace) -> App:
    """The application that the command line is about. Raises `UsageError`, `ApplicationError`."""
    from backstory.app import load

    return load(*find(arguments))


@contextmanager
def theirs(what: str) -> Iterator[None]:
    """Say of an error in the application's own code that it is theirs, and where."""
    try:
        yield
    except (BackstoryError, OSError):
        raise
    except Exception as wrong:
        from backstory.app import failure

        raise ApplicationError(f"{what} failed:\n{failure(wrong)}") from wrong
