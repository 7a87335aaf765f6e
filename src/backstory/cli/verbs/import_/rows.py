"""`backstory import rows`: make a table be what a file says, or write the rows of a file into it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from shlex import quote
from typing import TYPE_CHECKING, Any

import msgspec

from backstory.cli.exits import UsageError
from backstory.cli.parse import files
from backstory.cli.parse.author import author, author_option
from backstory.cli.show.text import count
from backstory.cli.verbs.import_.reading import delimiter
from backstory.database import connect
from backstory.errors import InvalidEvent, Refused, StoreMissing
from backstory.told import pasted, plain
from backstory.transfer.formats.rows import RowsFile
from backstory.transfer.source import InputFile, open_input

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.database import Database
    from backstory.session import Session
    from backstory.syncing import Written

EXAMPLES = """\
backstory import rows customers.csv --table customers --key id
backstory import rows customers.csv --table customers --key id --sync --dry-run
backstory import rows customers.csv --table customers --key id --sync
backstory import rows customers.json --table customers --key id --sync --allow-deletes 200 -m 'the branch is closed'
"""

TEXT = """\
Rows are inserted, and changed where a field differs; a row that is as it was is not written, so a nightly dump becomes
a history. With --sync, rows that the file does not have are deleted, unless these are more than 10 percent: half a file
is the commonest input. It also refuses a file in which no row has a field that most rows have, because it may be the
file of another table. Then nothing is written, and the exit code is 1. Of CSV, fields for which the file has no column
stay as they are. The last line says how to take all of it back. The store is made if it does not exist; - is standard
input; files may be gzipped."""

SUMMARY = "make a table be what a CSV or JSON file says"

FORMATS = ("csv", "json", "jsonl")


def arguments(parser: ArgumentParser) -> None:
    """The file, the table, the key, and how the file is read."""
    parser.add_argument(
        "file", metavar="FILE", help="a CSV file, a JSON array or JSON Lines; - is standard input"
    )
    parser.add_argument("--table", required=True, metavar="NAME", help="the table")
    parser.add_argument(
        "--key", required=True, metavar="COLUMN", help="the column, or the field, that says which row it is"
    )
    parser.add_argument(
        "--sync", action="store_true", help="delete the rows that the file does not have, too"
    )
    parser.add_argument(
        "--allow-deletes",
        type=int,
        metavar="N",
        help="the most rows that --sync may delete (default: 10 percent)",
    )
    parser.add_argument(
        "--allow-missing",
        action="append",
        default=[],
        metavar="FIELD",
        help="with --sync: most rows have this field, and the file need not; repeat for more",
    )
    parser.add_argument(
        "--unique",
        action="append",
        default=[],
        metavar="FIELD",
        help="refuse a value of this field that another row has; repeat for more",
    )
    parser.add_argument("--format", choices=FORMATS, help="of the file (default: by its name, else csv)")
    parser.add_argument(
        "--infer", action="store_true", help="csv: make numbers and booleans of cells that look so"
    )
    parser.add_argument("--keep-empty", action="store_true", help="csv: keep empty cells as empty text")
    parser.add_argument("--delimiter", metavar="CHAR", help="csv: between cells (default: the header's own)")
    parser.add_argument("--encoding", metavar="NAME", help="csv: of the text (default: utf-8)")
    parser.add_argument("-m", "--message", metavar="TEXT", help="why")
    parser.add_argument("--dry-run", action="store_true", help="read and count, but keep nothing")
    author_option(parser)


def shows_data(_arguments: Namespace) -> bool:
    """It shows counts."""
    return False


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Write, and print the counts."""
    if arguments.allow_deletes is not None and not arguments.sync:
        raise UsageError("--allow-deletes goes with --sync: nothing else deletes rows")
    if arguments.allow_deletes is not None and arguments.allow_deletes < 0:
        raise UsageError(f"--allow-deletes is a number of rows, not {arguments.allow_deletes}")
    if arguments.allow_missing and not arguments.sync:
        raise UsageError("--allow-missing goes with --sync: nothing else compares the fields of all rows")
    if arguments.file == "-":
        written = write(arguments, InputFile("<stdin>", files.standard_input()), session)
    else:
        with open_input(arguments.file) as file:
            written = write(arguments, file, session)
    dry_run = arguments.dry_run
    if dry_run:
        written.ranges.clear()
    undo = [pasted("revert", each) for each in reversed(written.ranges)]
    if out.json:
        counts = msgspec.structs.asdict(written)
        out.document("rows-import", table=arguments.table, dry_run=dry_run, **counts, undo=undo)
    else:
        out.line(summary(arguments.table, written) + ("; a dry run keeps nothing" if dry_run else ""))
        if undo:
            said = ", ".join(written.ranges)
            out.line(f"  {count(written.commits, 'commit')}, {said}, taken back by: {'; '.join(undo)}")
    return 0


def write(arguments: Namespace, file: InputFile, session: Session) -> Written:
    """Write the rows of the file; for a dry run into a branch in memory, and no store is made."""
    rows = RowsFile(
        file,
        arguments.key,
        arguments.format or format_of(arguments.file),
        infer=arguments.infer,
        keep_empty=arguments.keep_empty,
        delimiter=delimiter(arguments.delimiter),
        encoding=arguments.encoding or "utf-8-sig",
    )
    missing = [field for field in arguments.unique if rows.columns and field not in rows.columns]
    if missing:
        raise UsageError(
            f"there is no column {missing[0]!r} to be unique; it has {', '.join(rows.columns or ())}"
        )
    with target(arguments, session) as db:
        table = db.table(arguments.table, key=arguments.key, unique=arguments.unique)
        said: Any = {"columns": rows.columns, "author": author(arguments), "message": arguments.message}
        try:
            if arguments.sync:
                allowed: Any = {
                    "allow_deletes": arguments.allow_deletes,
                    "allow_missing": arguments.allow_missing,
                }
                return table.sync(rows, **allowed, **said)
            return table.upsert_many(rows, **said)
        except Refused as refused:
            raise refused.hinted(*hints(refused)) from None
        except InvalidEvent as wrong:
            raise rows.wrong(wrong) from wrong


def hints(refused: Refused) -> Iterator[str]:
    """The options that allow what a sync refused."""
    if refused.code == "deletes":
        yield f"--allow-deletes {refused.details['deletes']}  if the file is whole"
    elif refused.code == "missing":
        options = " ".join(f"--allow-missing {quote(name)}" for name in refused.details["missing"])
        yield f"{options}  if it is the file of this table"


@contextmanager
def target(arguments: Namespace, session: Session) -> Iterator[Database]:
    """The database to write into."""
    if not arguments.dry_run:
        session.open(create=None)
        yield session.database
        return
    try:
        existing = session.database
    except StoreMissing:
        with connect() as empty:
            yield empty
        return
    with existing.what_if() as trial:
        yield trial


def format_of(name: str) -> Any:
    """The format that a file's name tells."""
    end = name.lower().removesuffix(".gz").rpartition(".")[2]
    return {"json": "json", "jsonl": "jsonl", "ndjson": "jsonl"}.get(end, "csv")


def summary(table: str, written: Written) -> str:
    """The counts in words."""
    parts = [
        f"{number:,} {words}"
        for number, words in (
            (written.inserted, "inserted"),
            (written.changed, "changed"),
            (written.deleted, "deleted"),
            (written.same, "as they were"),
        )
        if number
    ]
    return f"{plain(table)}: {', '.join(parts) or 'no rows'}"
