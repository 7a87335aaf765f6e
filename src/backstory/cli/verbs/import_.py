"""`backstory import`: bring in history from Git, CSV, JSON Lines or XES."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, TYPE_CHECKING, Any

import msgspec

from backstory import outfile
from backstory.cli.exits import UsageError
from backstory.cli.parse import files
from backstory.cli.show.bar import Bar
from backstory.cli.show.text import count, plain
from backstory.errors import SourceError
from backstory.local import import_key
from backstory.lookup import commit_with
from backstory.transfer.load import load
from backstory.transfer.source import RECORD, InputFile, Rejected, open_input

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from datetime import tzinfo
    from typing import Self

    from backstory.cli.show.output import Output
    from backstory.session import Session
    from backstory.store import Log, Store
    from backstory.transfer.formats.columns import Columns
    from backstory.transfer.load import LoadReport
    from backstory.transfer.source import Source
    from backstory.transfer.typed import Events

EXAMPLES = """\
backstory import git
backstory import git ../project --revision main
backstory import jsonl history.jsonl
backstory import csv orders.csv --type-column status --time-column at --tag order=order_id --author-column user
backstory import csv accounts.csv --app bank --type AccountOpened --time-column opened --field account=id
backstory import csv - --type Measured --timezone Europe/Amsterdam --time-column time < sensor.csv
backstory import xes log.xes.gz --on-error skip --rejects rejects.jsonl
"""

TEXT = """\
A second run adds nothing, a run that was stopped goes on, and a source that has grown adds its new records. The store
is made if it does not exist. Files may be gzipped; - is standard input. JSON Lines are Backstory's own export or
CloudEvents 1.0. Git commits become commits with events for the files that they changed; of CSV and XES, each row or
event is a commit at its own time. CSV columns become the event's data, but for those of type, time, author and
message. With --app, each row becomes an event of its class, with the tags of the class; a row that does not fit is an
error with its line."""

REJECTS = "rejects.jsonl"

LARGEST = 2047
"""The highest limit of a record in MiB: it fits into 31 bits."""

FORMATS = ("git", "csv", "jsonl", "xes")

CSV_OPTIONS = (
    *(
        "type_column",
        "time_column",
        "tag",
        "author_column",
        "message_column",
        "id_column",
        "type",
        "timezone",
    ),
    *("field", "drop", "time_format", "delimiter", "encoding", "infer", "keep_empty"),
)


def arguments(parser: ArgumentParser) -> None:
    """The source, the way to treat errors, and the columns of a CSV file."""
    parser.add_argument("format", choices=FORMATS, help="the format of the source")
    parser.add_argument(
        "source",
        nargs="?",
        metavar="SOURCE",
        help="a file, - for standard input; for git a folder (default: here)",
    )
    parser.add_argument(
        "--on-error",
        choices=("stop", "skip"),
        default="stop",
        help="at a place that cannot be understood: stop there (the default), or skip it and keep it in a file",
    )
    parser.add_argument(
        "--rejects", metavar="FILE", help=f"where skipped places go, as JSON Lines (default: {REJECTS})"
    )
    parser.add_argument(
        "--revision", metavar="REV", help="git: import the commits that this reaches (default: HEAD)"
    )
    parser.add_argument(
        "--future",
        action="store_true",
        help="take commits that are more than a day ahead of the clock too: the log's time never goes back",
    )
    parser.add_argument(
        "--max-record",
        type=int,
        metavar="MIB",
        help=f"csv, jsonl, xes: how large a row, a line or an event may be, in MiB (default: {RECORD >> 20})",
    )
    parser.add_argument(
        "--order",
        choices=("time", "file"),
        help="csv, xes: the order of rows or events (default: by time; csv without a time column: that of the file)",
    )
    parser.add_argument(
        "--app",
        metavar="MODULE[:NAME]",
        help="csv, jsonl, xes: check each event against its class in this application; csv: read cells by its fields",
    )
    csv = parser.add_argument_group("options of csv")
    csv.add_argument("--type-column", metavar="COLUMN", help="the event's type")
    csv.add_argument(
        "--type", metavar="NAME", help="the type of every event, without --type-column (default: Row)"
    )
    csv.add_argument(
        "--time-column", metavar="COLUMN", help="the column with the time; rows go in by this time"
    )
    csv.add_argument("--time-format", metavar="FORMAT", help="as in strptime (default: ISO 8601)")
    csv.add_argument("--timezone", metavar="NAME", help="the time zone of times without one (default: UTC)")
    csv.add_argument(
        "--tag",
        action="append",
        metavar="KEY=COLUMN",
        help="tag each event with KEY:<cell>; KEY[]=COLUMN: with each element of a list; repeat for more",
    )
    csv.add_argument(
        "--field",
        action="append",
        metavar="NAME=COLUMN",
        help="the name of a column in the data, where it is to be another one; repeat for more",
    )
    csv.add_argument("--drop", action="append", metavar="COLUMN", help="leave a column out; repeat for more")
    csv.add_argument("--author-column", metavar="COLUMN", help="the column with the author")
    csv.add_argument("--message-column", metavar="COLUMN", help="why")
    csv.add_argument("--id-column", metavar="COLUMN", help="tells rows apart (default: all that a row says)")
    csv.add_argument(
        "--delimiter", metavar="CHAR", help="between cells (default: the header's own); tab for a tab"
    )
    csv.add_argument("--encoding", metavar="NAME", help="of the text (default: utf-8)")
    csv.add_argument(
        "--infer", action="store_true", help="make numbers and booleans of cells that look like them"
    )
    csv.add_argument(
        "--keep-empty", action="store_true", help="keep empty cells as empty text, not leave them out"
    )


def shows_data(_arguments: Namespace) -> bool:
    """It shows counts, and needs no marks: `--app` is for checks."""
    return False


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Import, and print the counts."""
    check(arguments, session)
    name = arguments.source or "."
    events = session.application.event if arguments.app else None
    with (
        sources(arguments, name) as file,
        Bar(f"import {name}") as bar,
    ):
        store = session.open(create=None)
        log = session.log
        before = log.head().position
        with Rejects(arguments) as rejects:
            try:
                report = load(
                    log,
                    source(arguments, file, store, log, events, bar),
                    on_reject=rejects.take if arguments.on_error == "skip" else None,
                    progress=bar,
                    future=arguments.future,
                )
            except SourceError:
                added = log.head().position - before
                if added:
                    out.say(
                        f"{count(added, 'event')} came in before this error; mend it and run again,"
                        " or use --on-error skip"
                    )
                raise
    if report.twin:
        out.say(
            f"commit {plain(report.twin)} says the same as the first one that came in now. Was it imported before this"
            " store was cloned? Then the records are in the history twice: a clone knows again only what has an id of"
            " its own. Import the rest into the store that has it already, or into a copy of its file"
        )
    if out.json:
        fields = msgspec.structs.asdict(report)
        out.document("import", source=name, format=arguments.format, **fields, rejects=rejects.written)
    else:
        out.line(summary(report, rejects.written))
    return 0


def check(arguments: Namespace, session: Session) -> None:
    """Raise `UsageError` if options do not go together."""
    if arguments.source is None and arguments.format != "git":
        raise UsageError(f"import {arguments.format} needs a file, or - for standard input")
    if arguments.format != "csv":
        given = next((name for name in CSV_OPTIONS if getattr(arguments, name)), None)
        if given:
            raise UsageError(f"--{given.replace('_', '-')} is for csv, not for {arguments.format}")
    if arguments.order and arguments.format not in ("csv", "xes"):
        raise UsageError(f"--order is for csv and xes, not for {arguments.format}")
    if arguments.app and arguments.format == "git":
        raise UsageError("--app is for csv, jsonl and xes, not for git")
    if arguments.app and arguments.format == "csv" and not (arguments.type or arguments.type_column):
        raise UsageError("--app needs the events' class: --type NAME, or --type-column COLUMN")
    if arguments.app and arguments.infer:
        raise UsageError("--infer does not go with --app, which reads each cell as the type of its field")
    if arguments.revision and arguments.format != "git":
        raise UsageError(f"--revision is for git, not for {arguments.format}")
    if arguments.max_record is not None and arguments.format == "git":
        raise UsageError("--max-record is for csv, jsonl and xes, not for git")
    if arguments.max_record is not None and not 1 <= arguments.max_record <= LARGEST:
        raise UsageError(f"--max-record is a number of MiB from 1 to {LARGEST}")
    if arguments.rejects and arguments.on_error == "stop":
        raise UsageError("--rejects goes with --on-error skip")
    if arguments.on_error == "skip":
        files.check_output(arguments.rejects or REJECTS, session.address, arguments.source)


def summary(report: LoadReport, rejects: str | None) -> str:
    """The report in words."""
    words = (
        f"imported {count(report.events, 'event')} in {count(report.commits, 'commit')}"
        if report.commits
        else "nothing new"
    )
    if report.known:
        words += f"; {count(report.known, 'commit')} {were(report.known)} there already"
    if report.skipped:
        skipped = f"{count(report.skipped, 'place')} {were(report.skipped)} skipped"
        words += f"; {skipped}, see {plain(rejects or REJECTS)}"
    return words


def were(number: int) -> str:
    """The verb that goes with a number of things."""
    return "was" if number == 1 else "were"


@contextmanager
def sources(arguments: Namespace, name: str) -> Iterator[InputFile | None]:
    """The file to read; None for Git, which is a folder."""
    limit = (arguments.max_record or RECORD >> 20) << 20
    if arguments.format == "git":
        from backstory.transfer.formats.git import check_repository

        check_repository(name, arguments.revision or "HEAD")
        yield None
    elif name == "-":
        yield InputFile("<stdin>", files.standard_input(), limit=limit)
    else:
        with open_input(name, limit=limit) as file:
            yield file


def source(
    arguments: Namespace, file: InputFile | None, store: Store, log: Log, events: Events | None, bar: Bar
) -> Source:
    """The entries to import."""
    if file is None:
        from backstory.transfer.formats.git import read_git

        return read_git(
            arguments.source or ".",
            arguments.revision or "HEAD",
            known=lambda id: commit_with(log, id) is not None,
            progress=bar,
        )
    key = import_key(store)
    if arguments.format == "csv":
        return table(arguments, file, key, events, bar)
    if arguments.format == "jsonl":
        from backstory.transfer.formats.jsonl import read_jsonl

        items = read_jsonl(file, key=key, progress=bar)
    else:
        from backstory.transfer.formats.xes import read_xes

        items = read_xes(file, key=key, in_file_order=arguments.order == "file", progress=bar)
    if events is None:
        return items
    from backstory.transfer.typed import checked

    return checked(items, events)


def table(arguments: Namespace, file: InputFile, key: bytes, events: Events | None, bar: Bar) -> Source:
    """The rows to import."""
    from backstory.transfer.formats.columns import Reading
    from backstory.transfer.formats.table import read_csv

    reading = Reading(
        type=arguments.type or "Row",
        zone=zone(arguments.timezone or "UTC"),
        time_format=arguments.time_format,
        infer=arguments.infer,
        keep_empty=arguments.keep_empty,
        in_file_order=arguments.order == "file",
        encoding=arguments.encoding or "utf-8-sig",
        delimiter=delimiter(arguments.delimiter),
        events=events,
    )
    return read_csv(file, columns(arguments), reading, key=key, progress=bar)


def columns(arguments: Namespace) -> Columns | None:
    """The meaning of the columns; None if no option gives one."""
    from backstory.transfer.formats.columns import Columns

    tags: dict[str, tuple[str, ...]] = {}
    for key, column in pairs("tag", "KEY=COLUMN", arguments.tag):
        tags[key] = (*tags.get(key, ()), column)
    found = Columns(
        type=arguments.type_column,
        time=arguments.time_column,
        author=arguments.author_column,
        message=arguments.message_column,
        id=arguments.id_column,
        tags=tags,
        fields=dict(pairs("field", "NAME=COLUMN", arguments.field)),
        drop=arguments.drop or (),
    )
    return found if found.named() else None


def pairs(option: str, form: str, texts: list[str] | None) -> Iterator[tuple[str, str]]:
    """The two sides of each KEY=COLUMN. Raises `UsageError`."""
    for text in texts or ():
        key, equals, column = text.partition("=")
        if not (key and equals and column):
            raise UsageError(f"--{option} is {form}, like order=order_id; got {text!r}")
        yield key, column


def zone(name: str) -> tzinfo:
    """The time zone of that name."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as wrong:
        raise UsageError(f"no time zone is named {name!r}; names are like Europe/Amsterdam") from wrong


def delimiter(text: str | None) -> str | None:
    """The delimiter that was asked for."""
    found = {"tab": "\t", "\\t": "\t"}.get(text or "", text)
    if found is not None and (len(found) != 1 or found in '"\r\n'):
        raise UsageError(f"--delimiter is one character, no quote and no line break, or tab; got {text!r}")
    return found


class Rejects:
    """The file that skipped places go to; it is made when there is one."""

    def __init__(self, arguments: Namespace) -> None:
        self._name: str = arguments.rejects or REJECTS
        self._file: IO[bytes] | None = None
        self._open = ExitStack()
        self.written: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def take(self, rejected: Rejected) -> None:
        """Write a reject down: file, line, reason, and the text."""
        if self._file is None:
            self._file = self._open.enter_context(outfile.written(self._name, whole=False))
            self.written = self._name
        error = rejected.error
        line: dict[str, Any] = {
            "file": error.source,
            "line": error.line,
            "why": error.why,
            "raw": rejected.raw,
        }
        self._file.write(msgspec.json.encode(line) + b"\n")
