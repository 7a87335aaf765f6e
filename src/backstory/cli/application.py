"""Whose code it is about: `--app`, then `BACKSTORY_APP`, then the nearest pyproject.toml that names one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from backstory.cli import place
from backstory.cli.exits import UsageError
from backstory.errors import ApplicationError, BackstoryError

if TYPE_CHECKING:
    from argparse import Namespace, _ActionsContainer

    from backstory.app import App


def add_option(parser: _ActionsContainer) -> None:
    """Let the verb be told which application, and whether to show what that marks as personal."""
    from backstory.cli import parser as parsers

    parsers.application_options(parser)


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
def masking(arguments: Namespace) -> Iterator[None]:
    """Know what the application marks, where one is named, and show of it what was asked for.

    Every verb that shows data takes `--app`. Raises `ApplicationError` where the application cannot be imported:
    what it marks is not to be shown by mistake.
    """
    try:
        find(arguments)
    except UsageError:
        yield
        return
    loaded(arguments)
    if not arguments.personal:
        yield
        return
    from backstory.masking import personal_shown

    with personal_shown():
        yield


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
