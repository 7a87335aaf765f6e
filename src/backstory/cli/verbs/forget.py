"""`backstory forget`: take the values of rows out of the history, for good, and keep everything verifiable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError
from backstory.cli.parse.parser import application_options
from backstory.cli.show import concerned
from backstory.cli.show.text import count
from backstory.errors import MissingRow
from backstory.rows.forgetting import ever_was
from backstory.rows.kinds import types_of
from backstory.told import plain

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory forget customers c-1 --yes -m 'request 17'
backstory forget customers c-1 c-3 --yes -m 'request 18' --json
"""

TEXT = """\
The data of all events of the rows, and the arguments of the commands that made them, are taken away on every branch,
and cannot be brought back; their digests stay, so `verify` finds the history as sound as before. When, by whom and why
each was changed stays, and so do tags. Delete a row before you forget it: backstory set TABLE KEY --delete. A row that
is still there cannot be read afterwards, until it is deleted or written whole. Programs that have read the row forget
its values. Copies in other stores keep the values, and tables of projections keep them until they are made anew. For a
part of any commit there is `withhold`. Exit code 1: the table never had such a row."""


def arguments(parser: ArgumentParser) -> None:
    """The rows, why, and that it is meant."""
    parser.add_argument("table", metavar="TABLE", help="the table")
    parser.add_argument("keys", nargs="+", metavar="KEY", help="the key of a row; name as many as you like")
    parser.add_argument("-m", "--message", default="", metavar="TEXT", help="why")
    parser.add_argument("--yes", action="store_true", help="do it: it cannot be undone")
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Forget them, and say how many events had values of each."""
    db = session.database
    rows = [db.table(arguments.table).row(key) for key in dict.fromkeys(arguments.keys)]
    for row in rows:
        if not ever_was(db.branches, row.table, row.key):
            raise MissingRow(f"{arguments.table} has no history of a row {row.key}", arguments.table, row.key)
    if not arguments.yes:
        raise UsageError(
            f"this takes all values of {', '.join(plain(row.key) for row in rows)} in {arguments.table} away for good;"
            " say that you mean it with --yes"
        )
    found = {row.key: db.forget(row, message=arguments.message) for row in rows}
    types = concerned.projections(session, types_of(arguments.table))
    if out.json:
        out.document("forgotten", table=arguments.table, events=found, projections=types)
        return 0
    out.lines(
        f"{arguments.table} {plain(key)}: {count(number, 'event')} forgotten" for key, number in found.items()
    )
    if there := [plain(row.key) for row in rows if db.load(row).row is not None]:
        out.say(
            f"backstory: still there: {', '.join(there)}. Nobody can read this until it is deleted or written whole"
        )
    concerned.tell(out, types)
    return 0
