"""`backstory parked`: events that a projection keeps back, to be retried or left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from backstory.cli.exits import UsageError
from backstory.cli.parse.groups import chosen
from backstory.cli.parse.parser import application_options
from backstory.cli.show import table
from backstory.cli.show.text import count, plain

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory parked balances
backstory parked balances --retry all
"""

TEXT = """\
A projection with on_error="park" keeps an event back that it cannot apply, with all later events of the same key. They
are kept as positions, never as copies. --retry applies the events of one key, or of all, in order."""


def arguments(parser: ArgumentParser) -> None:
    """Which projection, and what to do."""
    parser.add_argument("name", metavar="PROJECTION", help="a projection of the application")
    parser.add_argument("--retry", metavar="POSITION|all", help="apply the events of this one's key, or all")
    parser.add_argument("--skip", type=int, metavar="POSITION", help="leave an event out for good; needs -m")
    parser.add_argument("-m", "--message", default="", metavar="TEXT", help="why it is left out")
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Do it, and list what is left."""
    from backstory.projections import operate

    db = session.database
    [group] = chosen(session, db, [arguments.name])
    applied = 0
    if arguments.skip is not None:
        if not arguments.message:
            raise UsageError("say why it is left out: -m 'test data of 2024'")
        operate.skip(db.views, group, arguments.skip, arguments.message)
    if arguments.retry is not None:
        if arguments.retry != "all" and not arguments.retry.isdecimal():
            raise UsageError(f"--retry takes a position or all, not {arguments.retry!r}")
        applied = operate.retry(db.views, group, None if arguments.retry == "all" else int(arguments.retry))
    found = operate.parked(db.views, group)
    if out.json:
        events = list(map(msgspec.structs.asdict, found))
        out.document("parked", projection=group.name, applied=applied, events=events)
        return 0
    if applied:
        out.say(f"backstory: {count(applied, 'event')} applied")
    if not found:
        out.say(f"backstory: {group.name} keeps no event back")
        return 0
    rows = [(f"#{one.position}", plain(one.key), one.state, str(one.tries), plain(one.why)) for one in found]
    table.write(out, ("event", "key", "state", "tries", "why"), rows, right="event tries")
    return 0
