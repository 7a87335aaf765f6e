"""The author: `--author`, else `BACKSTORY_AUTHOR`, else the user of this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import Namespace, _ActionsContainer


def author_option(parser: _ActionsContainer) -> None:
    """The option that `author` reads."""
    parser.add_argument(
        "--author", metavar="NAME", help="the author; else BACKSTORY_AUTHOR, else the user of this machine"
    )


def author(arguments: Namespace) -> str:
    """The author that was named, or the user of this machine; empty if neither is known, or by `--author ''`."""
    if arguments.author is not None:
        return str(arguments.author)
    if named := os.environ.get("BACKSTORY_AUTHOR"):
        return named
    from backstory.decide.context import user_of_machine

    return user_of_machine()
