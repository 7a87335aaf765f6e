"""`backstory verify`: is this still the history that was written?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli import UsageError, application, place
from backstory.cli.text import count
from backstory.history.verify import verify

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterable

    from backstory.cli.output import Output
    from backstory.history.kept import Kept
    from backstory.state import State
    from backstory.store import Store

EXAMPLES = """\
backstory verify
backstory verify --json
backstory verify --snapshots --app bank
"""

TEXT = """\
Recomputes every hash and compares every position and index, of every branch, also of deleted ones, and what each
stands on. Exit code 1: something is not as it was written.
The hash of the head stands for all of history: who kept it can tell later whether any of it was rewritten."""


def arguments(parser: ArgumentParser) -> None:
    """Whether the snapshots of an application are compared too."""
    parser.add_argument(
        "--snapshots",
        action="store_true",
        help="also compare every snapshot of the application's states with a replay",
    )
    application.add_option(parser)


def run(arguments: Namespace, out: Output) -> int:
    """Check, and print the report."""
    if arguments.app and not arguments.snapshots:
        raise UsageError("--app is for --snapshots: the history itself is verified without any code")
    states = application.loaded(arguments).states if arguments.snapshots else ()
    with place.opened(arguments) as store:
        with out.progress("verifying", store.log().head().position) as tick:
            report = verify(store, progress=tick)
        kept = compared(store, states) if arguments.snapshots else None
    if kept is not None:
        report.problems += kept.problems
    head = report.head
    if out.json:
        out.document(
            "verification",
            sound=report.sound,
            commits=report.commits,
            events=report.events,
            others=report.others,
            position=None if head is None else head.position,
            head=None if head is None else head.hash.hex(),
            problems=report.problems,
            snapshots=None if kept is None else {"compared": kept.compared, "passed_over": kept.passed_over},
        )
    else:
        out.lines(out.paint(problem, "red") for problem in report.problems)
        looked = f"{count(report.commits, 'commit')}, {count(report.events, 'event')}"
        if report.others:
            looked += f", {count(report.others, 'other log')}"
        if report.sound:
            out.line(f"{out.paint('sound', 'green')}: {looked}, every hash as it was written")
        else:
            out.line(f"{out.paint('not sound', 'red')}: {count(len(report.problems), 'problem')} in {looked}")
        if kept is not None:
            others = f", {kept.passed_over:,} of other code passed over" if kept.passed_over else ""
            out.line(f"compared {count(kept.compared, 'snapshot')} with a replay{others}")
        if head is not None:
            out.line(f"head {head.hash.hex()}")
    return 0 if report.sound else 1


def compared(store: Store, states: Iterable[type[State]]) -> Kept:
    """The snapshots of these states, each compared with a replay."""
    from backstory.history.branches import Branches
    from backstory.history.kept import verify_snapshots

    return verify_snapshots(Branches(store), states)
