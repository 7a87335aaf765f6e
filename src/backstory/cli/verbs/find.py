"""`backstory find`: the states of a kind for which a condition is true, sorted, a piece at a time."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from backstory.cli.exits import UsageError, answer
from backstory.cli.parse.parser import application_options
from backstory.cli.show import table
from backstory.cli.show.value import cut, shown
from backstory.documents.states import found_document
from backstory.errors import Behind
from backstory.failing import theirs
from backstory.texts.states import check_shown, condition
from backstory.told import plain

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.database import Database
    from backstory.decide.state import State
    from backstory.projections.find import Page
    from backstory.session import Session

EXAMPLES = """\
backstory find Account
backstory find Account --where 'balance < 400' --sort balance -n 20
backstory find Account --where 'balance < 400' --count --at main~1
backstory find Account --sort=-balance -n 1 --json
"""

TEXT = """\
EXPRESSION is about the fields of the state, as for bisect. The states are read from the table that the application
keeps of them (Materialized), if that table is at the end of the log. Else the log is folded, which takes longer; so it
is with --at, and on a branch. With -n, the last line says how to go on. Exit code 1: none was found."""

LONGEST = 40
"""Letters of a value in the table, on a terminal."""


def arguments(parser: ArgumentParser) -> None:
    """The kind, the condition, the order and the piece."""
    parser.add_argument("state", metavar="STATE", help="a state of the application")
    parser.add_argument(
        "--where", default="", metavar="EXPRESSION", help="the condition that is true of them"
    )
    parser.add_argument(
        "--sort",
        action="append",
        default=[],
        metavar="FIELD",
        help="sort by it, or descending by --sort=-FIELD; repeatable",
    )
    parser.add_argument("-n", "--number", type=int, metavar="N", help="the highest number of states")
    parser.add_argument("--after", metavar="CURSOR", help="go on behind the last piece")
    parser.add_argument("--count", action="store_true", help="also say how many there are in all")
    parser.add_argument("--at", metavar="REVISION", help="as it was then: '#12', a commit's id or hash, HEAD")
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Find and show."""
    if arguments.number is not None and arguments.number < 1:
        raise UsageError(f"-n takes a number of states, not {arguments.number}")
    cls = session.state(arguments.state)
    with theirs(cls), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a person at the command line asks now and then
        found = states(session.database, session, cls, arguments)
    if out.json:
        items = [found_document(each) for each in found]
        out.document("found", state=cls.__name__, states=items, cursor=found.cursor, total=found.total)
        return answer(found)
    write(found, arguments, out)
    return answer(found)


def states(db: Database, session: Session, cls: type[State], arguments: Namespace) -> Page[Any]:
    """The states: from the table of the class if it is at the end of the log."""
    asked: dict[str, Any] = {
        "where": arguments.where,
        "order_by": arguments.sort,
        "limit": arguments.number,
        "after": arguments.after,
        "count": arguments.count,
    }
    if arguments.where.strip():
        condition(arguments.where, cls)
    check_shown((name.removeprefix("-") for name in arguments.sort), cls)
    if session.has_application:
        db.views.know(session.application.projections)
    kept = db.views.kept(cls)
    if kept is not None and arguments.at is None:
        try:
            return db.find(cls, **asked, commit=db.head().position, timeout=0)
        except Behind:
            pass
    return db.find(cls, **asked, at=arguments.at or "HEAD")


def write(found: Page[Any], arguments: Namespace, out: Output) -> None:
    """A table for people: the identity, then the other fields."""
    out.page()
    rows = [found_document(each) for each in found]
    if rows:
        names = [
            *rows[0]["identity"],
            *(name for name in rows[0]["fields"] if name not in rows[0]["identity"]),
        ]
        most = LONGEST if out.terminal else None
        cells = [tuple(cut(shown(row["fields"][name]), most) for name in names) for row in rows]
        table.write(out, tuple(map(plain, names)), cells)
    else:
        out.say(f"backstory: no {plain(arguments.state)} is so")
    if found.total is not None:
        out.say(f"backstory: {found.total:,} in all")
    if found.cursor is not None:
        out.say(f"backstory: there are more: the same with --after {found.cursor}")
