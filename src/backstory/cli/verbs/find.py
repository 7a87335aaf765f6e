"""`backstory find`: the states of a kind for which a condition is true, sorted, a piece at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backstory.cli.exits import UsageError, answer
from backstory.cli.parse.parser import application_options
from backstory.cli.show import table
from backstory.cli.show.text import left_out
from backstory.cli.show.value import shown
from backstory.documents.states import found_document
from backstory.texts import finding
from backstory.told import cut, plain

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
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
    found = finding.found(
        session.database,
        session.application if session.has_application else None,
        cls,
        arguments.where,
        sort=arguments.sort,
        limit=arguments.number,
        after=arguments.after,
        count=arguments.count,
        at=arguments.at,
    )
    if found.withheld:
        out.say(f"backstory: {left_out(found.withheld)}")
    if out.json:
        items = [found_document(each) for each in found]
        said = {"withheld": list(found.withheld)} if found.withheld else {}
        out.document(
            "found", state=cls.__name__, states=items, cursor=found.cursor, total=found.total, **said
        )
        return answer(found)
    write(found, arguments, out)
    return answer(found)


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
