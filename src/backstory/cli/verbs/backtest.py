"""`backstory backtest`: run recorded commands again with the code as it is now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from backstory.application import replacing
from backstory.cli.exits import INTERRUPTED, answer
from backstory.cli.parse.parser import application_options
from backstory.cli.show import commits
from backstory.cli.show.text import count
from backstory.documents.backtest import EVENTS, backtest_document
from backstory.documents.states import name_of
from backstory.history.compare.patch import lines
from backstory.lookup import events_of
from backstory.subject import Subjects
from backstory.told import plain, plain_lines
from backstory.verbs.debugging import backtesting

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.history.backtest.report import Again, Changed, Report
    from backstory.session import Session
    from backstory.store import Log
    from backstory.values.event_data import EventData, RecordedEvent

EXAMPLES = """\
backstory backtest
backstory backtest main~3..main --command withdraw
backstory backtest --each --json
"""

TEXT = """\
Each command of RANGE decides on the history as the commands before it have come out now; commits without a command stay
as they are. With --each every command decides on the history as it was. The time, ids and chance of a command are those
that were recorded. Nothing is written to the store.

The outcomes: same; changed: other events; refused; follows: it differs only because an earlier one does, and may be
refused, too; cannot run: an argument is secret, a part was withheld, the command is not known or fails. An event that
both decisions give stands without a sign. A decision that was refused at the time is in no log, so nothing is known of
it. RANGE is a..b, or everything up to b; default: the whole branch. --with names
a module that defines commands with the names of others, which stand in for these. Ctrl-C ends it with the answer so
far.
Exit code 1: a decision came out otherwise."""

SHOWN = 20
"""Decisions and states that are shown, unless -n says otherwise."""


def arguments(parser: ArgumentParser) -> None:
    """The range, and what is run."""
    parser.add_argument("range", nargs="?", metavar="RANGE", help="a..b, or everything up to b")
    parser.add_argument("--command", metavar="NAME", help="run only this command again")
    parser.add_argument(
        "--with", dest="module", metavar="MODULE", help="the module of commands that stand in for others"
    )
    parser.add_argument("--each", action="store_true", help="decide each on the history as it was")
    parser.add_argument(
        "-n", "--number", type=int, default=SHOWN, metavar="N", help=f"decisions to show (default: {SHOWN})"
    )
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Run it, and show the report; after an interrupt, the report so far."""
    app, stopped = session.application, False
    with ExitStack() as stack:
        module: str | None = arguments.module
        other = (
            {} if module is None else stack.enter_context(replacing(app, module, session.application_folder))
        )
        run = backtesting(
            session.database,
            arguments.range,
            command=arguments.command,
            commands=app.commands_by_name(),
            replacing=other,
            each=arguments.each,
        )
        tick = stack.enter_context(out.progress("backtesting: at", run.end))
        try:
            for position in run:
                tick(position)
        except KeyboardInterrupt:
            stopped = True
        report = run.report()
        if out.json:
            out.document("backtest", **backtest_document(report, run.log, Subjects(run.log)))
        else:
            out.page()
            out.lines(told(report, run.log, arguments.number, out))
    return INTERRUPTED if stopped else answer(not report.differs)


def told(report: Report, log: Log, most: int, out: Output) -> Iterator[str]:
    """The report as lines."""
    subjects = Subjects(log)
    for step in report.steps[:most]:
        yield from _step(step, log, subjects, out)
    left = len(report.steps[most:]) + report.more
    if left > 0:
        yield f"and {count(left, 'more decision')} that {'is' if left == 1 else 'are'} not the same: -n, or --json"
    yield from _states(report.states[:most], out)
    if report.more_states or len(report.states) > most:
        yield "and more states: -n, or --json"
    counts = ", ".join(f"{number:,} {outcome}" for outcome, number in report.counts.items())
    yield f"#{report.start}..#{report.at}: {counts}; {count(report.taken, 'commit')} taken over as they are"
    if report.follows_refused:
        verb = "is" if report.follows_refused == 1 else "are"
        yield f"follows: {report.follows_refused:,} of them {verb} refused"
    if report.reasons:
        reasons = ", ".join(f"{number:,} {kind}" for kind, number in sorted(report.reasons.items()))
        yield f"cannot run: {reasons}"
    if not report.is_whole:
        yield f"stopped at #{report.at}, before #{report.end}"


def _step(step: Again, log: Log, subjects: Subjects, out: Output) -> Iterator[str]:
    outcome = out.paint(step.outcome, "yellow" if step.outcome in ("follows", "cannot run") else "red")
    yield f"{outcome}  {commits.line(step.commit, subjects.of(step.commit), out)}"
    if step.words:
        yield from (f"    {line}" for line in plain_lines(step.words).splitlines())
    if step.outcome == "cannot run":
        return
    before = [_event(event) for event in events_of(log, step.commit, EVENTS)]
    after = [_event(event) for event in step.events[:EVENTS]]
    yield from _compared(before, after)
    if max(step.commit.size, step.size) > EVENTS:
        yield f"    of {step.commit.size:,} and {step.size:,} events"
    yield from _states(step.states, out)


def _event(event: RecordedEvent | EventData) -> str:
    return f"{plain(event.type)} {commits.data_line(event)}"


def _compared(before: list[str], after: list[str]) -> Iterator[str]:
    """The events of both: those that went, those that came, and those that stay, in their order."""
    for _, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if before[a:b] == after[c:d]:
            yield from (f"    {line}" for line in before[a:b])
        else:
            yield from (f"  - {line}" for line in before[a:b])
            yield from (f"  + {line}" for line in after[c:d])


def _states(states: tuple[Changed, ...], out: Output) -> Iterator[str]:
    for each in states:
        yield out.paint(plain(name_of(each.reference)), "bold")
        yield from (f"  {plain(str(line))}" for line in lines(each.difference.masked()))
