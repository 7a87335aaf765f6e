"""`backstory set`: write a row of a table: change fields of it, insert it, or delete it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from backstory.cli.exits import UsageError
from backstory.cli.parse.author import author, author_option
from backstory.cli.parse.fields import fields
from backstory.cli.show import commits
from backstory.errors import MissingRow

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session
    from backstory.values.commit import Commit

EXAMPLES = """\
backstory set customers c-2 --new name=Bea city=Basel
backstory set customers c-1 city=Bern -m 'moved' --author ann
backstory set customers c-1 phone=null --unset fax
backstory set customers c-1 --delete -m 'asked to be forgotten'
"""

TEXT = """\
A table needs no application: it has the rows that were written, and each write is a commit. A value is JSON if it reads
as JSON (500, true, null, "500", [1, 2]), and else text. Exit code 1: there is no such row, with --new there is one, or
another row has a value of a field that is --unique."""


def arguments(parser: ArgumentParser) -> None:
    """The row, its fields, and the commit."""
    parser.add_argument("table", metavar="TABLE", help="the table")
    parser.add_argument("key", metavar="KEY", help="which row")
    parser.add_argument(
        "fields", nargs="*", default=[], metavar="FIELD=VALUE", help="fields and their new values"
    )
    parser.add_argument(
        "--unset", action="append", default=[], metavar="FIELD", help="take a field away; repeat for more"
    )
    parser.add_argument("--new", action="store_true", help="insert the row, which is not there yet")
    parser.add_argument("--delete", action="store_true", help="delete the row; its history stays")
    parser.add_argument(
        "--unique",
        action="append",
        default=[],
        metavar="FIELD",
        help="refuse a value of this field that another row has; repeat for more",
    )
    parser.add_argument("-m", "--message", metavar="TEXT", help="why")
    author_option(parser)
    parser.add_argument("--id", metavar="ID", help="the commit's id: the same once more changes nothing")


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Write it, and print the commit."""
    given = [option for option in ("new", "delete") if getattr(arguments, option)]
    if len(given) == 2 or (arguments.delete and (arguments.fields or arguments.unset)):
        raise UsageError("--delete deletes the row whole, and goes with no field and not with --new")
    if arguments.new and arguments.unset:
        raise UsageError("--new makes the row, which has no field to --unset")
    if not (given or arguments.fields or arguments.unset):
        raise UsageError("set what? Give FIELD=VALUE, --unset FIELD, --new or --delete")
    values: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(fields(arguments.fields)))
    said: Any = {"author": author(arguments), "message": arguments.message, "id": arguments.id}
    db = session.database
    table, key = db.table(arguments.table, unique=arguments.unique), arguments.key
    commit: Commit | None
    if arguments.delete:
        commit = table.delete(key, **said)
    elif arguments.new:
        commit = table.insert(key, values, **said)
    else:
        try:
            commit = table.patch(key, values, arguments.unset, **said)
        except MissingRow as missing:
            raise missing.hinted("--new inserts the row") from None
    if commit is not None:
        commits.show(db.log, commit, out)
    elif out.json:
        out.document("nothing", table=arguments.table, key=key)
    else:
        out.line("nothing to change: the row is so already")
    return 0
