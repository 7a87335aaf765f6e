"""`backstory import`: bring in history from Git, CSV, JSON Lines or XES."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from backstory.cli.exits import answer
from backstory.cli.parse.parser import split
from backstory.cli.show.bar import Bar
from backstory.cli.show.text import count
from backstory.cli.verbs.import_.options import REJECTS, arguments, check, is_checked, tables
from backstory.cli.verbs.import_.reading import opened, source
from backstory.cli.verbs.import_.rejects import Rejects
from backstory.errors import ApplicationError, BackstoryError, SourceError, StoreMissing
from backstory.local import import_key
from backstory.right import give_up
from backstory.told import plain
from backstory.transfer.load import load
from backstory.transfer.source import Entry

if TYPE_CHECKING:
    from argparse import Namespace
    from types import ModuleType

    from backstory.cli.show.output import Output
    from backstory.session import Session
    from backstory.store import Log
    from backstory.transfer.load import LoadReport
    from backstory.transfer.source import Source
    from backstory.transfer.typed import Events
    from backstory.values.event_types import EventType

EXAMPLES = """\
backstory import git
backstory import git ../project --revision main
backstory import jsonl history.jsonl
backstory import csv orders.csv --type-column status --time-column at --tag order=order_id --author-column user
backstory import csv accounts.csv --app bank --type AccountOpened --time-column opened --field account=id
backstory import csv - --type Measured --timezone Europe/Amsterdam --time-column time < sensor.csv
backstory import csv 2025.csv 2026.csv --type Measured --time-column time --dry-run
backstory import csv opened.csv --type Opened --time-column at --then closed.csv --type Closed --time-column on
backstory import xes log.xes.gz --on-error skip --rejects rejects.jsonl
backstory import rows customers.csv --table customers --key id --sync
"""

TEXT = """\
A second run adds nothing, a run that was stopped goes on, and a source that has grown adds its new records. The store
is made if it does not exist. Files may be gzipped; - is standard input. JSON Lines are Backstory's own export or
CloudEvents 1.0. Git commits become commits with events for the files that they changed; of CSV and XES, each row or
event is a commit at its own time. CSV columns become the event's data, but for those of type, time, author and
message. With an application, each row becomes an event of its class, with the tags of the class; a row that does not
fit is an error with its line. The log's time never goes back, so import sources together, or the oldest first: the end
of an import counts the commits that were too late for that. Exit code 1: every record was skipped.
`import rows` is of another kind: it makes a table be what a file says; see `import rows --help`."""

__all__ = ["EXAMPLES", "TEXT", "arguments", "narrowed", "run", "shows_data"]


def narrowed(words: list[str]) -> tuple[str, str, ModuleType, list[str]] | None:
    """Rows of a table have options of their own."""
    if "rows" not in words:
        return None
    format, others = split(words)
    if format != "rows":
        return None
    from backstory.cli.verbs.import_ import rows

    return "import rows", rows.SUMMARY, rows, others


def shows_data(_arguments: Namespace) -> bool:
    """It shows counts, and needs no marks: `--app` is for checks."""
    return False


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Import, and print the counts."""
    parts = tables(arguments)
    for part in parts:
        check(part, session)
    names = [name for part in parts for name in part.sources] or ["."]
    events = event_of(session) if is_checked(arguments, session) else None
    unchecked: set[str] = set()
    with (
        opened(parts, names) as inputs,
        Bar(f"import {' '.join(names)}") as bar,
        target(arguments, session) as (log, key),
    ):
        before = log.head().position

        def exported() -> None:
            if not before and not arguments.dry_run:
                give_up(session.store)

        with Rejects(arguments) as rejects:
            items = source(arguments, inputs, log, key, events, bar, exported)
            try:
                report = load(
                    log,
                    noted(items, unchecked) if arguments.no_app else items,
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
    for words in remarks(report, arguments, known_types(session, unchecked)):
        out.say(words)
    if out.json:
        fields = msgspec.structs.asdict(report)
        out.document(
            "import",
            sources=names,
            format=arguments.format,
            dry_run=arguments.dry_run,
            **fields,
            rejects=rejects.written,
        )
    else:
        out.line(summary(report, rejects.written, dry_run=arguments.dry_run))
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


def event_of(session: Session) -> Events:
    """The application's event of a name. Raises `ApplicationError`."""
    from backstory.reactions.deadlines import OWN
    from backstory.rows.kinds import row_event

    application = session.application

    def found(name: str) -> EventType:
        if (own := OWN.get(name) or row_event(name)) is not None:
            return own
        try:
            return application.event(name)
        except ApplicationError as unknown:
            raise ApplicationError(f"{unknown}; --no-app takes such events as they are") from unknown

    return found


def noted(items: Source, types: set[str]) -> Source:
    """The items, whose types of events are noted."""
    for item in items:
        if isinstance(item, Entry):
            types.update(event.type for event in item.draft.events)
        yield item


def known_types(session: Session, types: set[str]) -> list[str]:
    """Those types that the application has a class for; none if it cannot be imported."""
    if not types or not session.has_application:
        return []
    try:
        known = {kind.name for kind in session.application.events}
    except BackstoryError:
        return []
    return sorted(types & known)


def remarks(report: LoadReport, arguments: Namespace, unchecked: list[str]) -> Iterator[str]:
    """The notes about an import that are shown besides its counts."""
    if report.twin:
        yield (
            f"commit {plain(report.twin)} says the same as the first one that came in now. Was it imported before this"
            " store was cloned? Then the records are in the history twice: a clone knows again only what has an id of"
            " its own. Import the rest into the store that has it already, or into a copy of its file"
        )
    if unchecked:
        yield (
            f"{plain(unchecked[0])} is an event of the application, and was not checked against its class; nor were"
            " its tags"
            if len(unchecked) == 1
            else f"{plain(', '.join(unchecked))} are events of the application, and were not checked against their"
            " classes; nor were their tags"
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
