"""`backstory projections`: where each projection and each reaction of the application stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli.parse.groups import chosen
from backstory.cli.parse.parser import application_options
from backstory.cli.show import table
from backstory.cli.show.standings import remedy
from backstory.cli.show.text import count

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.projections.operate import Standing
    from backstory.session import Session

EXAMPLES = """\
backstory projections
backstory projections --json
backstory projections --prune
"""

TEXT = """\
A projection is building, running, paused, stopped by an event, or diverged: made from a history that the log does not
have. `drifted` says that its code has changed since its tables were made, and its version has not. --prune takes away
the tables that came before those that readers see, and those of other versions of a state (Materialized) that no
process feeds."""


def arguments(parser: ArgumentParser) -> None:
    """Their names, and the checks."""
    parser.add_argument("names", nargs="*", metavar="PROJECTION", help="default: all of the application")
    parser.add_argument(
        "--check", action="store_true", help="exit with 1 if one does not run, or lags behind"
    )
    parser.add_argument(
        "--lag", type=float, default=60.0, metavar="SECONDS", help="the lag that --check allows (60)"
    )
    parser.add_argument("--prune", action="store_true", help="take away the tables of former generations")
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """List them."""
    from backstory import operating
    from backstory.documents.projections import projections_document
    from backstory.projections.operate import prune

    db = session.database
    chosen_ones = chosen(session, db, arguments.names)
    groups = chosen_ones.groups
    if arguments.prune:
        taken = sum(prune(db.views, group) for group in groups)
        out.say(f"backstory: {count(taken, 'generation')} taken away")
    now = db.branches.clock()
    found = operating.standings(chosen_ones, db.views, db.store, now)
    wrong = [each for each in found if not is_fine(each, arguments.lag)]
    if out.json:
        out.document("projections", **projections_document(found))
    elif found:
        titles = ("name", "kind", "version", "state", "at", "head", "lag", "lease")
        table.write(out, titles, list(map(_row, found)), right="at head")
        out.lines(f"{each.name}: {remedy(each)}" for each in found if each.why)
    else:
        out.say(f"backstory: {session.application.name} has no projections, reactions or outboxes")
    return 1 if arguments.check and wrong else 0


def is_fine(standing: Standing, lag: float) -> bool:
    """Whether a projection runs, keeps nothing back, and is no more than so many seconds behind."""
    return standing.state in ("running", "building") and not standing.parked and standing.seconds <= lag


def _row(each: Standing) -> tuple[str, ...]:
    state = each.state
    if state == "building" and each.head:
        state = f"building {100 * each.position // each.head}%" + (
            f", {each.left:.0f} s" if each.left else ""
        )
    state += f", {each.parked} parked" if each.parked else ""
    state += ", drifted" if each.drifted else ""
    lag = f"{each.lag}, {each.seconds:.1f} s" if each.lag else ""
    lease = f"{each.owner}, {each.lease:.0f} s" if each.owner else ""
    version = each.version if each.generation < 2 else f"{each.version}.{each.generation}"
    return each.name, each.kind, version, state, f"#{each.position}", f"#{each.head}", lag, lease
