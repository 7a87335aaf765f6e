"""`backstory verify`: is this still the history that was written?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli import place
from backstory.cli.text import count
from backstory.history.verify import verify

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.output import Output

EXAMPLES = """\
backstory verify
backstory verify --json
"""

TEXT = """\
Recomputes every hash and compares every position and index, of every branch, also of deleted ones, and what each
stands on. Exit code 1: something is not as it was written.
The hash of the head stands for all of history: who kept it can tell later whether any of it was rewritten."""


def arguments(parser: ArgumentParser) -> None:
    """Takes no options of its own."""


def run(arguments: Namespace, out: Output) -> int:
    """Check, and print the report."""
    with place.opened(arguments) as store, out.progress("verifying", store.log().head().position) as tick:
        report = verify(store, progress=tick)
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
        if head is not None:
            out.line(f"head {head.hash.hex()}")
    return 0 if report.sound else 1
