"""The session that the command line names: its store, branch and application."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError
from backstory.session import Session

if TYPE_CHECKING:
    from argparse import Namespace


def session_of(arguments: Namespace) -> Session:
    """The session of these options, in this folder and environment. Raises `UsageError`."""
    if arguments.store == "":  # as of a shell's variable that is not set: another store is not what was meant
        raise UsageError("-s is followed by nothing, so no store is named")
    return Session(
        os.getcwd(),  # noqa: PTH109 - pathlib is slow
        os.environ,
        store=arguments.store,
        branch=arguments.branch,
        app=getattr(arguments, "app", None),
    )
