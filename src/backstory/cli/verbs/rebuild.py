"""`backstory rebuild`: make the tables of a projection anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli.parse.groups import chosen_groups
from backstory.cli.parse.parser import application_options

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory rebuild balances
"""

TEXT = """\
The new tables are made beside those that readers see, from the first event on, and readers see them when they are at
the end of the log. With --no-wait a process of `backstory run` does the work."""


def arguments(parser: ArgumentParser) -> None:
    """Which projections."""
    parser.add_argument("names", nargs="+", metavar="PROJECTION", help="projections of the application")
    parser.add_argument("--no-wait", action="store_true", help="leave the work to those who run it")
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Make them."""
    db = session.database
    groups = chosen_groups(session, db, arguments.names)
    for group in groups:
        with out.progress(f"rebuilding {group.name}", db.head().position) as tick:
            db.views.rebuild(group, tick, wait=not arguments.no_wait)
    if out.json:
        out.document("rebuilt", projections=[group.name for group in groups], waited=not arguments.no_wait)
    else:
        out.lines(
            f"{group.name} {'is to be rebuilt' if arguments.no_wait else 'was rebuilt'}" for group in groups
        )
    return 0
