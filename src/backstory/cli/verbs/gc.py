"""`backstory gc`: drop logs and caches that nothing needs any more."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from backstory.cli.exits import UsageError
from backstory.cli.show.text import count
from backstory.history.forget.collection import KEPT, Collected, collect

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory gc --dry-run
backstory gc --days 30
"""

TEXT = """\
A rebase and the deletion of a branch leave a log behind, which the reflog can bring back. This verb drops the logs that
no branch, no mark and no entry of the reflog of the last 90 days needs, with the commits that only they have, and
snapshots of logs that are gone. No commit of a branch is touched. Do not clone into the store meanwhile."""


def arguments(parser: ArgumentParser) -> None:
    """How long the reflog keeps a log, and whether to do it."""
    parser.add_argument(
        "--days",
        type=int,
        default=KEPT.days,
        metavar="N",
        help=f"how long the reflog keeps a log ({KEPT.days})",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="list the logs that would be dropped, and drop nothing"
    )


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Drop them, and say which."""
    if arguments.days < 0:
        raise UsageError(f"--days takes a number of days, not {arguments.days}")
    kept = timedelta(days=arguments.days)
    found = collect(session.branches, kept=kept, dry_run=arguments.dry_run)
    if out.json:
        out.document("collected", dry_run=arguments.dry_run, **msgspec.structs.asdict(found))
    else:
        out.lines(
            f"log {each.log}, on top of #{each.origin}: {count(each.commits, 'commit')}"
            for each in found.logs
        )
        out.line(summary(found, dry_run=arguments.dry_run))
    return 0


def summary(found: Collected, *, dry_run: bool) -> str:
    """The dropped logs and caches, in words."""
    if not found.logs and not found.caches:
        return "there is nothing to drop"
    commits = sum(each.commits for each in found.logs)
    words = (
        f"{count(len(found.logs), 'log')} with {count(commits, 'commit')}, {count(found.caches, 'snapshot')}"
    )
    return f"would drop {words}" if dry_run else f"dropped {words}"
