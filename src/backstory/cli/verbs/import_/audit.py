"""`backstory import audit`: take over the history that other libraries have kept in the tables of a database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError
from backstory.cli.parse import files
from backstory.cli.show.bar import Bar
from backstory.cli.verbs.import_.options import REJECTS, shared
from backstory.cli.verbs.import_.reading import zone
from backstory.cli.verbs.import_.taking import taken, told
from backstory.transfer.source import InputFile, open_input

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session
    from backstory.transfer.formats.audit import Asked

EXAMPLES = """\
backstory import audit postgresql://reader@db.example.org/shop
backstory import audit sqlite:///django.db --dry-run
backstory import audit sqlite:///django.db --table shop_historicalproduct=products --like simple-history
backstory import audit shop.db --table price_log=prices --key product --time changed_at --author changed_by
backstory import audit changes.jsonl --like debezium --key id
"""

TEXT = """\
The tables of django-simple-history, django-pghistory and SQLAlchemy-Continuum are found by their columns; another
table is described by --table, --key and --time. Each row of a history becomes a commit at its own time, by its own
author, with the event of a row of a table: `backstory table` and all verbs of history work on it without code. The
database is only read. A second run adds nothing, a run that was stopped goes on, and what was added since comes in.
Debezium's change events are read from a file of JSON Lines. Exit code 1: every change was skipped."""

SUMMARY = "take over the history tables of a database, or change events of Debezium"

LIKES = ("simple-history", "pghistory", "continuum", "table", "debezium")

SQLITE = b"SQLite format 3\0"


def arguments(parser: ArgumentParser) -> None:
    """The database or the file, and what its columns mean."""
    parser.set_defaults(format="audit")
    parser.add_argument(
        "url",
        metavar="URL",
        help="a database, as SQLAlchemy names it; a SQLite file; or a file of JSON Lines, - for standard input",
    )
    parser.add_argument(
        "--like", choices=LIKES, help="whose tables they are (default: by their columns; a file: debezium)"
    )
    parser.add_argument(
        "--table",
        action="append",
        default=[],
        metavar="HISTORY[=NAME]",
        help="a history table to read, and the name of its rows' table here (default: all that are found); repeat for"
        " more",
    )
    parser.add_argument("--schema", metavar="NAME", help="the schema of the database (default: its own)")
    parser.add_argument(
        "--key",
        metavar="COLUMN[,COLUMN]",
        help="the columns that say which row it is (default: the primary key of the row's own table, else id)",
    )
    parser.add_argument("--time", metavar="COLUMN", help="when it was changed")
    parser.add_argument("--author", metavar="COLUMN", help="who changed it")
    parser.add_argument("--message", metavar="COLUMN", help="why it was changed")
    parser.add_argument(
        "--users",
        metavar="TABLE[.COLUMN]",
        help="the table of users, and the column with their names (default: the table that the author points to)",
    )
    parser.add_argument("--operation", metavar="COLUMN", help="what was done, such as I, U and D")
    parser.add_argument(
        "--deletion",
        action="append",
        default=[],
        metavar="VALUE",
        help="the operation that deletes a row (default: D, delete, - and such); repeat for more",
    )
    parser.add_argument(
        "--deleted", metavar="COLUMN", help="a mark: true, or the time, where the row is deleted"
    )
    parser.add_argument(
        "--differences",
        action="store_true",
        help="rows have only what differs: a null is a field that stays as it was",
    )
    parser.add_argument(
        "--field-column", metavar="COLUMN", help="each row is about one field: the column with its name"
    )
    parser.add_argument("--value-column", metavar="COLUMN", help="and the column with its new value")
    parser.add_argument(
        "--data-column", metavar="COLUMN", help="a column that has fields as JSON, beside those of the others"
    )
    parser.add_argument(
        "--name-column", metavar="COLUMN", help="one history of many tables: the column with the table's name"
    )
    parser.add_argument(
        "--sequence", metavar="COLUMN", help="the column that counts the changes (default: the primary key)"
    )
    parser.add_argument(
        "--order",
        choices=("sequence", "time"),
        default="sequence",
        help="the order of a table's changes (default: as they were counted, whatever the clock said)",
    )
    parser.add_argument(
        "--field",
        action="append",
        default=[],
        metavar="NAME=COLUMN",
        help="the name of a column in the rows here, where it is to be another one; repeat for more",
    )
    parser.add_argument("--drop", action="append", default=[], metavar="COLUMN", help="leave a column out")
    parser.add_argument(
        "--timezone", metavar="NAME", help="the time zone of times without one (default: UTC)"
    )
    shared(parser)


def shows_data(_arguments: Namespace) -> bool:
    """It shows counts."""
    return False


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Import, and print the counts."""
    if arguments.rejects and arguments.on_error == "stop":
        raise UsageError("--rejects goes with --on-error skip")
    if not is_changes(arguments):
        return _of_database(arguments, session, out)
    if arguments.url == "-":
        return _of_file(arguments, InputFile("<stdin>", files.standard_input()), session, out)
    with open_input(arguments.url) as file:
        return _of_file(arguments, file, session, out)


def is_changes(arguments: Namespace) -> bool:
    """Whether the source is a file of change events, and no database."""
    if arguments.like == "debezium" or arguments.url == "-":
        return True
    if "://" in arguments.url or arguments.like:
        return False
    try:
        with Path(arguments.url).open("rb") as file:
            return file.read(len(SQLITE)) != SQLITE
    except OSError:
        return False  # which the database says in its words


def wanted(arguments: Namespace) -> Asked:
    """The words of the options about the tables."""
    from backstory.transfer.formats.audit import Asked

    tables = [each.partition("=") for each in arguments.table]
    if any(not history or (equals and not name) for history, equals, name in tables):
        raise UsageError("--table is HISTORY, or HISTORY=NAME, like price_log=prices")
    fields = [each.partition("=") for each in arguments.field]
    if any(not field or not column for field, _, column in fields):
        raise UsageError("--field is NAME=COLUMN, like town=city")
    if bool(arguments.field_column) != bool(arguments.value_column):
        raise UsageError("--field-column and --value-column go together")
    return Asked(
        like=None if arguments.like == "debezium" else arguments.like,
        tables={history: name or None for history, _, name in tables},
        key=tuple(filter(None, (arguments.key or "").split(","))),
        time=arguments.time,
        author=arguments.author,
        message=arguments.message,
        users=arguments.users,
        operation=arguments.operation,
        deletions=frozenset(each.lower() for each in arguments.deletion),
        mark=arguments.deleted,
        pair=(arguments.field_column, arguments.value_column) if arguments.field_column else None,
        data=arguments.data_column,
        named_by=arguments.name_column,
        differs=arguments.differences,
        sequence=arguments.sequence,
        by_time=arguments.order == "time",
        drop=frozenset(arguments.drop),
        fields={column: field for field, _, column in fields},
    )


def _of_database(arguments: Namespace, session: Session, out: Output) -> int:
    from backstory.transfer.formats.audit import History

    found = History(arguments.url, wanted(arguments), schema=arguments.schema)
    _check_rejects(arguments, session, found.name)
    at = zone(arguments.timezone or "UTC")
    with Bar(f"import {found.name}") as bar:
        report, rejects = taken(
            arguments,
            session,
            out,
            lambda log, key: found.entries(key=key, log=log, zone=at, progress=bar),
            bar,
        )
    return told(report, rejects, arguments, [found.name], out)


def _of_file(arguments: Namespace, file: InputFile, session: Session, out: Output) -> int:
    from backstory.transfer.formats.audit import read_debezium

    asked = wanted(arguments)
    _check_rejects(arguments, session, file.name)
    with Bar(f"import {file.name}") as bar:
        report, rejects = taken(
            arguments,
            session,
            out,
            lambda log, key: read_debezium(file, asked, key=key, log=log, progress=bar),
            bar,
        )
    return told(report, rejects, arguments, [file.name], out)


def _check_rejects(arguments: Namespace, session: Session, source: str) -> None:
    if arguments.on_error == "skip":
        files.check_output(arguments.rejects or REJECTS, session.address, source)
