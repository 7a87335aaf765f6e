"""`backstory pause`: let nobody run a projection or a reaction until it is resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli.parse.groups import chosen
from backstory.cli.parse.parser import application_options

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory pause balances
"""

TEXT = """\
A projection that is inline falls behind meanwhile; no append fails because of it."""


def arguments(parser: ArgumentParser) -> None:
    """Which projections and reactions."""
    parser.add_argument(
        "names",
        nargs="+",
        metavar="PROJECTION",
        help="projections, reactions, outboxes, subscriptions",
    )
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Do it, and say so."""
    from backstory import operating

    db = session.database
    found = chosen(session, db, arguments.names)
    operating.pause(found, db.views, db.store)
    if out.json:
        out.document("paused", projections=found.names)
    else:
        out.lines(f"{name} is paused" for name in found.names)
    return 0
