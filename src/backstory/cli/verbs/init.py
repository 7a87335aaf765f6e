"""`backstory init`: make a store."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError
from backstory.cli.show.commits import FIRST
from backstory.stores import open_store, shown
from backstory.told import pasted, plain

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory init orders.db
"""

TEXT = """\
A store is one file; any name will do. A file that exists already is never touched."""


def arguments(parser: ArgumentParser) -> None:
    """The path."""
    parser.add_argument(
        "path", nargs="?", metavar="PATH", help="default: the store that is named as for every verb"
    )


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Make the store, and show the next commands."""
    if arguments.path is not None and arguments.store is not None:
        raise UsageError("name the store once: as PATH or with -s")
    address = arguments.path or session.address
    open_store(address, create=True).close()
    address = shown(address)
    if out.json:
        out.document("store", store=address)
        return 0
    out.line(f"made {plain(address)}, an empty store")
    option = ["-s", address] if arguments.path else []
    if session.has_application:
        first = f"What can be done:    {pasted(*option, 'commands')}"
    else:
        first = f"A first event:       {pasted(*option, *FIRST)}"
    out.say(f"\n{first}\nSee its commits:     {pasted(*option, 'log')}")
    if arguments.path or arguments.store:
        out.say(f"Name it only once:   export BACKSTORY_STORE={quote(address)}")
    return 0
