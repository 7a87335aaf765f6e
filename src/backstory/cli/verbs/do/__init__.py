"""`backstory do`: execute a command of an application, or preview it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from backstory.cli.parse.asked import Asked, named_command
from backstory.cli.verbs.do.options import commit_options
from backstory.cli.verbs.do.perform import perform

if TYPE_CHECKING:
    from argparse import ArgumentParser

EXAMPLES = """\
backstory do withdraw a-7 --cents 50 -m rent
backstory do withdraw --account a-7 --cents 50 --preview
backstory do withdraw --help
"""

TEXT = """\
The commands are listed by: backstory commands. The identity of a state is given by its place, or by the
parameter's name; all other arguments by name. Dates and times are as for --since of log; a list repeats its option;
an object is JSON. The command is decided on the present state of the store. Exit code 1: it was refused, and the
reason is shown."""


def arguments(parser: ArgumentParser) -> None:
    """The command. Its own parameters are known once it is named."""
    parser.add_argument("command", nargs="?", metavar="COMMAND", help="the command")
    parser.add_argument("words", nargs="*", default=[], metavar="ARGUMENT", help="its arguments")
    commit_options(parser)


def narrowed(words: list[str]) -> tuple[str, str, Asked, list[str]] | None:
    """The command that the words name, as a verb of its own; None if they name none and ask for help.

    So `do` has no `run`: each command has its own.
    """
    return named_command("do", sys.modules[__name__], words, commit_options, perform, "--preview")
