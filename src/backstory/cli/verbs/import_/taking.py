"""Taking a source into the log of a session, whatever it is, and telling what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from backstory.cli.exits import answer
from backstory.cli.show.text import count
from backstory.cli.verbs.import_.options import REJECTS
from backstory.cli.verbs.import_.rejects import Rejects
from backstory.errors import SourceError, StoreMissing
from backstory.local import import_key
from backstory.told import plain
from backstory.transfer.load import load

if TYPE_CHECKING:
    from argparse import Namespace

    from backstory.cli.show.bar import Bar
    from backstory.cli.show.output import Output
    from backstory.session import Session
    from backstory.store import Log
    from backstory.transfer.load import LoadReport
    from backstory.transfer.source import Source


def taken(
    arguments: Namespace,
    session: Session,
    out: Output,
    made: Callable[[Log, bytes], Source],
    bar: Bar,
) -> tuple[LoadReport, str | None]:
    """Load the source that is made for a log and the key of its ids; the report, and the file of rejects if any."""
    with target(arguments, session) as (log, key), Rejects(arguments) as rejects:
        before = log.head().position
        try:
            report = load(
                log,
                made(log, key),
                on_reject=rejects.take if arguments.on_error == "skip" else None,
                progress=bar,
                future=arguments.future,
            )
        except SourceError:
            added = log.head().position - before
            if added and not arguments.dry_run:
                out.say(
                    f"{count(added, 'event')} came in before this error; mend it and run again,"
                    " or use --on-error skip"
                )
            raise
    return report, rejects.written


def told(report: LoadReport, rejects: str | None, arguments: Namespace, names: list[str], out: Output) -> int:
    """Print the counts; returns the exit code."""
    for words in remarks(report, arguments):
        out.say(words)
    if out.json:
        fields = msgspec.structs.asdict(report)
        out.document(
            "import",
            sources=names,
            format=arguments.format,
            dry_run=arguments.dry_run,
            **fields,
            rejects=rejects,
        )
    else:
        out.line(summary(report, rejects, dry_run=arguments.dry_run))
    return answer(report.commits or report.known or not report.skipped)


@contextmanager
def target(arguments: Namespace, session: Session) -> Iterator[tuple[Log, bytes]]:
    """The log to import into, and the key of its ids; for a dry run one in memory, and no store is made."""
    if not arguments.dry_run:
        store = session.open(create=None)
        yield session.log, import_key(store)
        return
    from backstory.database import connect

    try:
        store = session.store
    except StoreMissing:
        with connect() as empty:
            yield empty.log, import_key(empty.store)
        return
    with session.database.what_if() as trial:
        yield trial.log, import_key(store)


def remarks(report: LoadReport, arguments: Namespace) -> Iterator[str]:
    """The notes about an import that are shown besides its counts."""
    if report.twin:
        yield (
            f"commit {plain(report.twin)} says the same as the first one that came in now. Was it imported before this"
            " store was cloned? Then the records are in the history twice: a clone knows again only what has an id of"
            " its own. Import the rest into the store that has it already, or into a copy of its file"
        )
    if report.earlier:
        yield (
            f"{count(report.earlier, 'commit')} {were(report.earlier)} older than the end of the log, whose time never"
            " goes back: @{time} finds what came in late only from that end on. Each has its own time as `authored`,"
            " which log and state show"
        )
        if arguments.format != "git":
            yield "To have both times agree, import all sources into a new store: together by time, or the oldest first"


def summary(report: LoadReport, rejects: str | None, *, dry_run: bool) -> str:
    """The report in words."""
    verb = "would import" if dry_run else "imported"
    words = (
        f"{verb} {count(report.events, 'event')} in {count(report.commits, 'commit')}"
        if report.commits
        else "nothing new"
    )
    if report.known:
        words += f"; {count(report.known, 'commit')} {were(report.known)} there already"
    if report.skipped:
        skipped = f"{count(report.skipped, 'place')} {were(report.skipped)} skipped"
        words += f"; {skipped}, see {plain(rejects or REJECTS)}"
    return f"{words}; a dry run keeps nothing" if dry_run else words


def were(number: int) -> str:
    """The verb that goes with a number of things."""
    return "was" if number == 1 else "were"
