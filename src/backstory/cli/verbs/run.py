"""`backstory run`: feed the projections of an application."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

from backstory.cli.parse.groups import chosen
from backstory.cli.parse.parser import application_options

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory run --once
backstory run --app bank --once balances
"""

TEXT = """\
Runs until Ctrl-C or SIGTERM, which end the batch that is being applied and give the leases back. Any number of these
processes may run at once: for each projection one of them does the work, and another one takes over when it dies."""


def arguments(parser: ArgumentParser) -> None:
    """Which projections, and for how long."""
    parser.add_argument("names", nargs="*", metavar="PROJECTION", help="default: all of the application")
    parser.add_argument(
        "--once", action="store_true", help="end when all are at the end of the log, or kept back"
    )
    parser.add_argument(
        "--lease",
        type=float,
        default=30.0,
        metavar="SECONDS",
        help="after which another process takes over (30)",
    )
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Feed them."""
    from backstory.projections.runner import Runner

    db = session.database
    groups = chosen(session, db, arguments.names)
    for group in groups:
        db.views.ensured(group)
    runner = Runner(db.views, groups, db.store.watch, lease=arguments.lease)

    def stop(*_: Any) -> None:
        runner.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        if not out.json:
            out.say(f"backstory: running {', '.join(group.name for group in groups) or 'nothing'}")
        runner.run(once=arguments.once)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if out.json:
        out.document("ran", projections=[group.name for group in groups])
    return 0
