"""`backstory import`: bring in history from Git, CSV, JSON Lines or XES."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError
from backstory.cli.parse.parser import split
from backstory.cli.show.bar import Bar
from backstory.cli.verbs.import_.options import arguments, check, is_checked, tables
from backstory.cli.verbs.import_.reading import opened, source
from backstory.cli.verbs.import_.taking import taken, told
from backstory.errors import ApplicationError, BackstoryError
from backstory.right import give_up
from backstory.told import plain
from backstory.transfer.source import Entry

if TYPE_CHECKING:
    from argparse import Namespace
    from types import ModuleType

    from backstory.cli.show.output import Output
    from backstory.session import Session
    from backstory.store import Log
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
backstory import audit sqlite:///shop.db --table price_log=prices --key product --time changed_at
"""

TEXT = """\
A second run adds nothing, a run that was stopped goes on, and a source that has grown adds its new records. The store
is made if it does not exist. Files may be gzipped; - is standard input. JSON Lines are Backstory's own export or
CloudEvents 1.0. Git commits become commits with events for the files that they changed; of CSV and XES, each row or
event is a commit at its own time. CSV columns become the event's data, but for those of type, time, author and
message. With an application, each row becomes an event of its class, with the tags of the class; a row that does not
fit is an error with its line. The log's time never goes back, so import sources together, or the oldest first: the end
of an import counts the commits that were too late for that. Exit code 1: every record was skipped.
Two are of another kind: `import rows` makes a table be what a file says, and `import audit` takes over the history
tables of a database; see `help import rows` and `help import audit`."""

__all__ = ["EXAMPLES", "TEXT", "arguments", "narrowed", "run", "shows_data"]


def narrowed(words: list[str]) -> tuple[str, str, ModuleType, list[str]] | None:
    """Rows of a table, and history that people have already, have options of their own."""
    try:
        kind, rest = split(words)
    except UsageError:
        return None
    if kind == "rows":
        from backstory.cli.verbs.import_ import rows

        return "import rows", rows.SUMMARY, rows, rest
    if kind == "audit":
        from backstory.cli.verbs.import_ import audit

        return "import audit", audit.SUMMARY, audit, rest
    return None


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
    with opened(parts, names) as inputs, Bar(f"import {' '.join(names)}") as bar:

        def made(log: Log, key: bytes) -> Source:
            before = log.head().position

            def exported() -> None:
                if not before and not arguments.dry_run:
                    give_up(session.store)

            items = source(arguments, inputs, log, key, events, bar, exported)
            return noted(items, unchecked) if arguments.no_app else items

        report, rejects = taken(arguments, session, out, made, bar)
    for words in not_checked(known_types(session, unchecked)):
        out.say(words)
    return told(report, rejects, arguments, names, out)


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


def not_checked(unchecked: list[str]) -> Iterator[str]:
    """A note about types of events that were not checked."""
    if unchecked:
        yield (
            f"{plain(unchecked[0])} is an event of the application, and was not checked against its class; nor were"
            " its tags"
            if len(unchecked) == 1
            else f"{plain(', '.join(unchecked))} are events of the application, and were not checked against their"
            " classes; nor were their tags"
        )
