"""The options of `do` about the commit, which every command has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli.parse.author import author_option
from backstory.cli.parse.parser import application_options

if TYPE_CHECKING:
    from argparse import _ActionsContainer


def commit_options(parser: _ActionsContainer) -> None:
    """Options about the commit, which every command has."""
    parser.add_argument("--preview", action="store_true", help="show what would happen, and append nothing")
    parser.add_argument("-m", "--message", metavar="TEXT", help="why")
    author_option(parser)
    parser.add_argument(
        "--id", metavar="ID", help="the commit's id: the same command once more changes nothing"
    )
    application_options(parser)
