"""`backstory resume`: let a projection go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli.parse.groups import chosen
from backstory.cli.parse.parser import application_options

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory resume balances
"""

TEXT = """\
One that was paused goes on at once. One that an event has stopped tries this event again: mend the code first, or leave
the event out with: backstory parked NAME --skip POSITION -m WHY"""


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
    operating.resume(found, db.views, db.store)
    if out.json:
        out.document("resumed", projections=found.names)
    else:
        out.lines(f"{name} is resumed" for name in found.names)
    return 0
