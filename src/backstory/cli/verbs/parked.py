"""`backstory parked`: events that a projection or a reaction keeps back, to be retried or left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError
from backstory.cli.parse.groups import chosen
from backstory.cli.parse.parser import application_options
from backstory.cli.show import table
from backstory.cli.show.text import count
from backstory.told import plain

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session

AGAIN = "again"
"""The state of an event that the process which runs a reaction is to try again."""

EXAMPLES = """\
backstory parked balances
backstory parked balances --retry all
backstory parked balances --skip 17 -m 'test data of 2024'
"""

TEXT = """\
A projection with on_error="park" keeps an event back that it cannot apply, with all later events of the same key. They
are kept as positions, never as copies. --retry applies the events of one key, or of all, in order.

A reaction, an outbox or a subscription keeps an event back after its last try, or when its code says so. --retry marks
the events: the process that runs it tries them again, in order."""


def arguments(parser: ArgumentParser) -> None:
    """Its name, and the events to retry or to leave out."""
    parser.add_argument(
        "name",
        metavar="PROJECTION",
        help="a projection, reaction, outbox or subscription",
    )
    parser.add_argument("--retry", metavar="POSITION|all", help="apply the events of this one's key, or all")
    parser.add_argument("--skip", type=int, metavar="POSITION", help="leave an event out for good; needs -m")
    parser.add_argument("-m", "--message", default="", metavar="TEXT", help="why it is left out")
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Do it, and list what is left."""
    from backstory import operating
    from backstory.documents.projections import parked_document

    if arguments.skip is not None and not arguments.message:
        raise UsageError("say why it is left out: -m 'test data of 2024'")
    if arguments.retry not in (None, "all") and not arguments.retry.isdecimal():
        raise UsageError(f"--retry takes a position or all, not {arguments.retry!r}")
    db, name, applied = session.database, arguments.name, 0
    whole = (chosen(session, db, [name]), db.views, db.store)
    if arguments.skip is not None:
        operating.skip(*whole, arguments.skip, arguments.message)
    if arguments.retry is not None:
        applied = operating.retry(*whole, None if arguments.retry == "all" else int(arguments.retry))
    found = operating.parked(*whole)
    if out.json:
        out.document("parked", **parked_document(name, found, applied))
        return 0
    if applied:
        again = any(one.state == AGAIN for one in found)
        out.say(f"backstory: {count(applied, 'event')} {'to be tried again' if again else 'applied'}")
    if not found:
        out.say(f"backstory: {name} keeps no event back")
        return 0
    rows = [(f"#{one.position}", plain(one.key), one.state, str(one.tries), plain(one.why)) for one in found]
    table.write(out, ("event", "key", "state", "tries", "why"), rows, right="event tries")
    return 0
