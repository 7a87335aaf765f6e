"""`backstory run`: feed the projections of an application, and run its reactions."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import msgspec

from backstory.cli.exits import UsageError
from backstory.cli.parse.groups import chosen
from backstory.cli.parse.parser import application_options
from backstory.cli.show.standings import remedy
from backstory.cli.show.text import count
from backstory.errors import BackstoryError
from backstory.projections.catalog import DIVERGED, PAUSED, STOPPED
from backstory.told import pasted

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterator, Sequence

    from backstory.cli.show.output import Output
    from backstory.database import Database
    from backstory.projections.operate import Standing
    from backstory.projections.projection import Group
    from backstory.reactions.operate import Operated
    from backstory.session import Session

EXAMPLES = """\
backstory run --once
backstory run --app bank --once balances
backstory run --app bank --take-over --yes --once
"""

TEXT = """\
Runs until Ctrl-C or SIGTERM: it then ends the step that is being taken, and gives the leases back. Any number of these
processes may run at once. For each projection and reaction one of them does the work. If that process dies, another one
takes over as soon as the lease is over. A line names each projection and reaction that does not run, because an event
has stopped it, somebody has paused it or it has diverged, and the command that lets it go on.

--once leaves to another process the projections and reactions whose lease that process holds, even if it has died. The
last lines name them, and the seconds until each lease is over. The exit code is 0 then, too. It is 1 if an event has
stopped a projection or a reaction, or one has diverged; the last lines say why, and which command lets it go on.

A reaction that runs for the first time takes the events that come from then on, unless its code says since="start".

Reactions run only in a store that has the right to react: the one that was made new, where it was made. A clone, a copy
or a store that was moved or restored only feeds projections. There --take-over says what the store would deliver, and
ends with exit code 1; with --yes it takes the right, and runs. First be sure that no other store of this history reacts
any more: else both do."""


STILL = (STOPPED, DIVERGED, PAUSED)
"""States in which a projection or a reaction does not run."""

EVERY = 5.0
"""Seconds between two looks for projections and reactions that have stopped."""


def arguments(parser: ArgumentParser) -> None:
    """Which of them, and for how long."""
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="projections, reactions, outboxes; default: all"
    )
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
    parser.add_argument(
        "--take-over", action="store_true", help="if the store does not react: say what it would react to"
    )
    parser.add_argument(
        "--yes", action="store_true", help="with --take-over: take the right to react, and run"
    )
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Run them."""
    from backstory.operating import Chosen
    from backstory.outbox.sending import sendings
    from backstory.reactions.run import run_these

    db = session.database
    found = chosen(session, db, arguments.names)
    groups, reactions, outboxes = found.groups, found.reactions, found.outboxes
    if arguments.yes and not arguments.take_over:
        raise UsageError("--yes is the answer to --take-over")
    if arguments.take_over and not _take_over(db, found.consumers, out, sure=arguments.yes):
        return 1
    why = _why_not(db) if found.consumers else ""
    if why:
        left_out = ", ".join(each.name for each in found.consumers)
        out.say(f"backstory: {left_out}: not run, because this store does not react: {why}")
        out.say(f"backstory: see what it would react to: {pasted('run', '--take-over')}")
        reactions, outboxes = [], []
    for group in groups:
        db.views.ensured(group)
    lease, views = arguments.lease, db.views
    sent = sendings(outboxes, views.source, lease)
    runner = run_these(groups, reactions, views, db.store, db.main, lease, sent)
    names = Chosen(groups, reactions, outboxes, []).names

    def stop(*_: Any) -> None:
        runner.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        if not out.json:
            out.say(f"backstory: running {', '.join(names) or 'nothing'}")
            _say_where_they_begin(db, [*reactions, *outboxes], out)
        if arguments.once or out.json:
            runner.run(once=arguments.once)
        else:
            with _watched(lambda: _standings(db, groups, [*reactions, *outboxes]), out.say):
                runner.run()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    standing = _standings(db, groups, [*reactions, *outboxes]) if arguments.once else []
    others = [each for each in standing if each.owner]  # ours were given back
    still = [each for each in standing if each.state in STILL]
    code = 1 if any(each.state != PAUSED for each in still) else 0
    if out.json:
        elsewhere = [
            {"name": each.name, "owner": each.owner, "seconds": each.lease, "lag": each.lag}
            for each in others
        ]
        kept = [{"name": each.name, "state": each.state, "why": each.why} for each in still]
        out.document("ran", projections=names, elsewhere=elsewhere, still=kept)
        return code
    for each in others:
        out.say(
            f"backstory: {each.name}: left to another process ({each.owner}), which holds its lease for"
            f" {max(1, each.lease):.0f} s more; it is {count(each.lag, 'position')} behind"
        )
    for each in still:
        out.say(f"backstory: {each.name}: {remedy(each)}")
    return code


def _say_where_they_begin(db: Database, consumers: Sequence[Operated], out: Output) -> None:
    """Name the reactions that begin now, with events before them that they will never take."""
    from backstory.reactions.operate import passes_over

    head = db.views.source.head().position
    for each in consumers:
        if passes_over(each, db.store, db.views.source):
            out.say(
                f'backstory: {each.name}: runs for the first time, and takes no event up to #{head}; since="start"'
                " in its code would let it take them"
            )


def say_what_stops(
    look: Callable[[], Sequence[Standing]], say: Callable[[str], None], over: threading.Event
) -> None:
    """Say of each that does not run why, and what lets it go on; again when that changes. Ends when it is over."""
    said: dict[str, str] = {}
    while True:
        with suppress(BackstoryError):  # the next look may be answered
            for each in look():
                words = remedy(each) if each.state in STILL else ""
                if words and said.get(each.name) != words:
                    say(f"backstory: {each.name}: {words}")
                said[each.name] = words
        if over.wait(EVERY):
            return


@contextmanager
def _watched(look: Callable[[], Sequence[Standing]], say: Callable[[str], None]) -> Iterator[None]:
    """Look in a thread for projections and reactions that stop meanwhile, and tell of them."""
    over = threading.Event()
    watching = threading.Thread(
        target=say_what_stops, args=(look, say, over), name="backstory watch", daemon=True
    )
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()


def _standings(db: Database, groups: Sequence[Group], consumers: Sequence[Operated]) -> list[Standing]:
    """Where each stands."""
    from backstory.projections.operate import standings
    from backstory.reactions.operate import standing

    now = db.branches.clock()
    found = standings(db.views, groups, now)
    return found + [standing(each, db.store, db.views.source, now) for each in consumers]


def _why_not(db: Database) -> str:
    from backstory.right import why_not

    return why_not(db.store)


def _take_over(db: Database, reactions: Sequence[Operated], out: Output, *, sure: bool) -> bool:
    """Say what would be delivered, and take the right if that is what somebody wants; whether the store reacts now."""
    from backstory.reactions.operate import backlog
    from backstory.right import has_right, take

    if has_right(db.store):
        return True
    if sure:
        take(db.store)
        return True
    now = db.branches.clock()
    found = [backlog(each, db.store, db.views.source, now) for each in reactions]
    if out.json:
        out.document("take-over", reactions=list(map(msgspec.structs.asdict, found)))
        return False
    for each in found:
        due = f", {count(each.overdue, 'deadline')} overdue" if each.overdue else ""
        out.line(f"{each.name}: {count(each.events, 'event')} after #{each.position}{due}")
    out.say("backstory: nothing was taken over; if no other store reacts to this history, add --yes")
    return False
