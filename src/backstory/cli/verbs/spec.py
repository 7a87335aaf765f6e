"""`backstory spec`: a decision of the history as a given/when/then test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError, answer
from backstory.cli.parse import target
from backstory.cli.parse.parser import application_options
from backstory.documents.spec import spec_document
from backstory.failing import theirs
from backstory.rows.kinds import Row
from backstory.subject import Subjects

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory spec Account a-7
backstory spec Account a-7 '#9' --then state
backstory spec Account a-7 --then refused --code 'at most 100'
"""

TEXT = """\
The test is about the last command in the range that concerns the state: a refusal is in no log. Given are all
events that the command had read, also those before the range; `when` is the command, with the time, ids and chance that
were recorded; `then` are the events that it gave, or with --then state the state after it. --then refused says that
it is to be refused: a test that fails until the rule is there.

Values that the application marks as personal or secret, and authors, have stand-ins of the same form, equal ones for
equal ones, wherever they stand. --personal keeps personal values. The test is run before it is printed, and nothing is
stored. Exit code 1: it does not pass as it stands, and standard error says why, such as the field whose stand-ins
change the decision."""


def arguments(parser: ArgumentParser) -> None:
    """The state, the range, and the end of the test."""
    parser.add_argument(
        "words",
        nargs="+",
        metavar=f"{target.WORDS} [RANGE]",
        help="a state and its identity, or a tag; then where the command is looked for: a..b, or all up to b"
        " (default: '#0..HEAD')",
    )
    parser.add_argument(
        "--then",
        choices=("events", "state", "refused"),
        default="events",
        help="how it ends (default: events)",
    )
    parser.add_argument("--code", metavar="CODE", help="with --then refused: the code, or the reason")
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Make the test, run it, and print it."""
    if arguments.code is not None and arguments.then != "refused":
        raise UsageError("--code is that of a refusal: --then refused")
    words, range = ranged(session, arguments.words)
    reference = target.reference(session, words)
    db, of_rows = session.database, isinstance(reference, Row) and not session.has_application
    commands = {} if of_rows else session.application.commands_by_name()
    with theirs(reference):
        found = db.spec(reference, range, then=arguments.then, code=arguments.code, commands=commands)
    if out.json:
        out.document("spec", **spec_document(reference, found, Subjects(db.log)))
    else:
        out.lines(found.text.splitlines())
        if not found.passes:
            out.say(f"backstory: it does not pass as it stands: {found.why}")
    return answer(found.passes or arguments.then == "refused")


def ranged(session: Session, words: list[str]) -> tuple[list[str], str | None]:
    """The words of the state, and the range behind them, if the state is whole without that word."""
    *state, last = words
    whole = (
        bool(state)
        and target.is_whole(session, state)
        and (".." in last or not target.is_whole(session, words))
    )
    return (state, last) if whole else (words, None)
