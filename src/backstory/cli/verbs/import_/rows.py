"""`backstory import rows`: make a table be what a file says, or write the rows of a file into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from backstory.cli.exits import UsageError
from backstory.cli.parse import files
from backstory.cli.parse.author import author, author_option
from backstory.cli.verbs.import_.reading import delimiter
from backstory.errors import InvalidEvent, Refused
from backstory.told import plain
from backstory.transfer.formats.rows import RowsFile
from backstory.transfer.source import InputFile, open_input

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session
    from backstory.syncing import Written

EXAMPLES = """\
backstory import rows customers.csv --table customers --key id
backstory import rows customers.csv --table customers --key id --sync
backstory import rows customers.json --table customers --key id --sync --allow-deletes 200 -m 'the branch is closed'
"""

TEXT = """\
Rows are inserted, and changed where a field differs; a row that is as it was is not written, so a nightly dump becomes
a history. With --sync, rows that the file does not have are deleted, unless these are more than 10 percent: half a file
is the commonest input. Then nothing is written, and the exit code is 1. Of CSV, fields for which the file has no column
stay as they are. The store is made if it does not exist; - is standard input; files may be gzipped."""

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
    if arguments.file == "-":
        written = write(arguments, InputFile("<stdin>", files.standard_input()), session)
    else:
        with open_input(arguments.file) as file:
            written = write(arguments, file, session)
    if out.json:
        out.document("rows-import", table=arguments.table, **msgspec.structs.asdict(written))
    else:
        out.line(summary(arguments.table, written))
    return 0


def write(arguments: Namespace, file: InputFile, session: Session) -> Written:
    """Write the rows of the file."""
    rows = RowsFile(
        file,
        arguments.key,
        arguments.format or format_of(arguments.file),
        infer=arguments.infer,
        keep_empty=arguments.keep_empty,
        delimiter=delimiter(arguments.delimiter),
        encoding=arguments.encoding or "utf-8-sig",
    )
    session.open(create=None)
    table = session.database.table(arguments.table, key=arguments.key, unique=arguments.unique)
    missing = [field for field in arguments.unique if rows.columns and field not in rows.columns]
    if missing:
        raise UsageError(
            f"there is no column {missing[0]!r} to be unique; it has {', '.join(rows.columns or ())}"
        )
    said: Any = {"columns": rows.columns, "author": author(arguments), "message": arguments.message}
    try:
        if arguments.sync:
            return table.sync(rows, allow_deletes=arguments.allow_deletes, **said)
        return table.upsert_many(rows, **said)
    except Refused as refused:
        if refused.code == "deletes":
            refused.hinted(f"--allow-deletes {refused.details['deletes']}  if the file is whole")
        raise
    except InvalidEvent as wrong:
        raise rows.wrong(wrong) from wrong


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
