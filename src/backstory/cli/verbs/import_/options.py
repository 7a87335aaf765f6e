"""The options of `import`, and the rules about which of them go together."""

from __future__ import annotations

from argparse import REMAINDER, Namespace
from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError
from backstory.cli.parse import files
from backstory.transfer.source import RECORD

if TYPE_CHECKING:
    from argparse import ArgumentParser, _ActionsContainer

    from backstory.session import Session

REJECTS = "rejects.jsonl"

LARGEST = 2047
"""The highest limit of a record in MiB: it fits into 31 bits."""

UNCHECKED = ("To take events as they are, without their classes: --no-app",)
"""A hint for events that the application does not have."""

THEN = "--then"

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
    """The sources, the way to treat errors, and the columns of a CSV file."""
    parser.add_argument(
        "format",
        choices=FORMATS,
        metavar="|".join((*FORMATS, "rows", "audit")),
        help="the format of the source; see also: backstory help import rows, backstory help import audit",
    )
    parser.add_argument(
        "sources",
        nargs="*",
        metavar="SOURCE",
        help="a file, - for standard input; several of csv or xes go in together, by time; for git a folder (default:"
        " here)",
    )
    shared(parser)
    parser.add_argument(
        "--revision", metavar="REV", help="git: import the commits that this reaches (default: HEAD)"
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
        help="csv, jsonl, xes: check each event against its class in this application; csv: read cells by its fields"
        " (default: BACKSTORY_APP, else [tool.backstory] app in pyproject.toml)",
    )
    parser.add_argument(
        "--no-app", action="store_true", help="take events as they are, although there is an application"
    )
    csv = parser.add_argument_group("options of csv")
    table_options(csv)
    csv.add_argument(
        "--then",
        nargs=REMAINDER,
        metavar="SOURCE ...",
        help="another file, followed by its own options of csv; all go in together, by time; repeat for more",
    )


def shared(parser: ArgumentParser) -> None:
    """The options of each import, wherever it takes its records from."""
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="read, check and count as the import would, and write the rejects, but keep nothing",
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
        "--future",
        action="store_true",
        help="take commits that are more than a day ahead of the clock too: the log's time never goes back",
    )


def table_options(csv: _ActionsContainer) -> None:
    """The options that say how a CSV file is read."""
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


def tables(arguments: Namespace) -> list[Namespace]:
    """The arguments for the files before `--then`, and for those after each one. Raises `UsageError`."""
    found, words = [arguments], arguments.then
    while words is not None:
        end = words.index(THEN) if THEN in words else len(words)
        found.append(after_then(arguments, words[:end]))
        words = words[end + 1 :] if end < len(words) else None
    if sum("-" in one.sources for one in found) > 1:
        raise UsageError("standard input is named twice")
    return found


def after_then(arguments: Namespace, words: list[str]) -> Namespace:
    """The arguments with the files and the options that stand after a `--then`."""
    from backstory.cli.parse.parser import Parser

    parser = Parser(prog="backstory import", usage="", add_help=False, allow_abbrev=False)
    parser.add_argument("sources", nargs="*")
    table_options(parser)
    own, strange = parser.parse_known_intermixed_args(words)
    if strange:
        raise UsageError(
            f"{strange[0]} stands after {THEN}, where only files and their options of csv do: put it before"
        )
    if not own.sources:
        raise UsageError(f"{THEN} is followed by a file")
    return Namespace(**{**vars(arguments), **vars(own)})


def check(arguments: Namespace, session: Session) -> None:
    """Raise `UsageError` if options do not go together."""
    format, names = arguments.format, arguments.sources
    if arguments.then is not None and format != "csv":
        raise UsageError(f"{THEN} is for csv, not for {format}")
    if not names and format != "git":
        raise UsageError(f"import {format} needs a file, or - for standard input")
    if len(names) > 1 and format == "git":
        raise UsageError("import git takes one folder")
    if len(set(names)) < len(names):
        raise UsageError("a source is named twice")
    if format != "csv":
        given = next((name for name in CSV_OPTIONS if getattr(arguments, name)), None)
        if given:
            raise UsageError(f"--{given.replace('_', '-')} is for csv, not for {format}")
    if arguments.order and format not in ("csv", "xes"):
        raise UsageError(f"--order is for csv and xes, not for {format}")
    if arguments.revision and format != "git":
        raise UsageError(f"--revision is for git, not for {format}")
    if arguments.max_record is not None and format == "git":
        raise UsageError("--max-record is for csv, jsonl and xes, not for git")
    if arguments.max_record is not None and not 1 <= arguments.max_record <= LARGEST:
        raise UsageError(f"--max-record is a number of MiB from 1 to {LARGEST}")
    if arguments.rejects and arguments.on_error == "stop":
        raise UsageError("--rejects goes with --on-error skip")
    check_app(arguments, session)
    if arguments.on_error == "skip":
        files.check_output(arguments.rejects or REJECTS, session.address, *names)


def is_checked(arguments: Namespace, session: Session) -> bool:
    """Whether each event is checked against its class."""
    return arguments.format != "git" and not arguments.no_app and session.has_application


def check_app(arguments: Namespace, session: Session) -> None:
    """Raise `UsageError` for options that do not go with an application, and for a type that it does not have."""
    if arguments.app and arguments.format == "git":
        raise UsageError("--app is for csv, jsonl and xes, not for git")
    if arguments.app and arguments.no_app:
        raise UsageError("--app and --no-app say opposite things")
    if not is_checked(arguments, session):
        return
    app = "--app" if arguments.app else "the application of this project"
    if arguments.format == "csv" and not (arguments.type or arguments.type_column):
        raise UsageError(f"{app} needs the events' class: --type NAME, or --type-column COLUMN").hinted(
            *UNCHECKED
        )
    if arguments.infer:
        why = f"--infer does not go with {app}, which reads each cell as the type of its field"
        raise UsageError(why).hinted(*UNCHECKED)
    if arguments.type:
        try:
            session.application.event(arguments.type)
        except LookupError as unknown:
            raise UsageError(f"--type: {unknown}").hinted(*UNCHECKED) from unknown
