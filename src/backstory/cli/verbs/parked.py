"""`backstory parked`: events that a projection or a reaction keeps back, to be retried or left out."""

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
    from collections.abc import Sequence

    from backstory.cli.show.output import Output
    from backstory.projections.catalog import Parked
    from backstory.session import Session

AGAIN = "again"
"""The state of an event that whoever runs a reaction is to try again."""

EXAMPLES = """\
backstory parked balances
backstory parked balances --retry all
"""

TEXT = """\
A projection with on_error="park" keeps an event back that it cannot apply, with all later events of the same key. They
are kept as positions, never as copies. --retry applies the events of one key, or of all, in order.

A reaction keeps an event back after its tries. --retry lets whoever runs the reaction try again, in order."""


def arguments(parser: ArgumentParser) -> None:
    """Which one, and what to do."""
    parser.add_argument("name", metavar="PROJECTION", help="a projection or a reaction of the application")
    parser.add_argument("--retry", metavar="POSITION|all", help="apply the events of this one's key, or all")
    parser.add_argument("--skip", type=int, metavar="POSITION", help="leave an event out for good; needs -m")
    parser.add_argument("-m", "--message", default="", metavar="TEXT", help="why it is left out")
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Do it, and list what is left."""
    if arguments.skip is not None and not arguments.message:
        raise UsageError("say why it is left out: -m 'test data of 2024'")
    if arguments.retry not in (None, "all") and not arguments.retry.isdecimal():
        raise UsageError(f"--retry takes a position or all, not {arguments.retry!r}")
    applied, found = _done(session, arguments)
    name = arguments.name
    if out.json:
        events = list(map(msgspec.structs.asdict, found))
        out.document("parked", projection=name, applied=applied, events=events)
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


def _done(session: Session, arguments: Namespace) -> tuple[int, Sequence[Parked]]:
    """Skip and retry; how many are retried, and what is parked then."""
    from backstory.projections import operate
    from backstory.reactions import operate as reactions

    db = session.database
    found = chosen(session, db, [arguments.name])
    skip, why, applied = arguments.skip, arguments.message, 0
    position = None if arguments.retry in (None, "all") else int(arguments.retry)
    for group in found.groups:
        if skip is not None:
            operate.skip(db.views, group, skip, why)
        if arguments.retry is not None:
            applied = operate.retry(db.views, group, position)
        return applied, operate.parked(db.views, group)
    [reaction] = found.consumers
    if skip is not None:
        reactions.skip(reaction, db.store, skip, why)
    if arguments.retry is not None:
        applied = reactions.retry(reaction, db.store, position)
    return applied, reactions.parked(reaction, db.store)
