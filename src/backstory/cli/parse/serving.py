"""The options of a verb that serves: where, for how long, which application, and who works there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError
from backstory.cli.parse.author import author_option
from backstory.cli.parse.parser import application_options

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def serving_options(parser: ArgumentParser) -> None:
    """The options: `port` reads the first, `seconds` is the second."""
    parser.add_argument("--port", type=int, default=0, metavar="N", help="the port; default: a free one")
    parser.add_argument("--for", dest="seconds", type=float, metavar="SECONDS", help="end after so long")
    author_option(parser)
    application_options(parser)


def port(arguments: Namespace) -> int:
    """The port, 0 for any free one. Raises `UsageError`."""
    found: int = arguments.port
    if not 0 <= found <= 65535:
        raise UsageError(f"--port takes a number from 0, any free one, to 65535, not {found}")
    return found
