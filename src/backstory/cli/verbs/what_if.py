"""`backstory what-if`: what a command would do, now or at any revision, and what that would start."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from backstory.cli.exits import code_of
from backstory.cli.parse.asked import Asked, named_command
from backstory.cli.parse.author import author, author_option
from backstory.cli.parse.parser import application_options
from backstory.cli.show.decisions import preview, refusal
from backstory.documents.decisions import step_document, tried_document
from backstory.errors import Refused
from backstory.failing import theirs
from backstory.told import plain, plain_lines

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _ActionsContainer
    from collections.abc import Iterator

    from backstory.cli.show.output import Output
    from backstory.decide.call import Command
    from backstory.reactions.starts import Start
    from backstory.session import Session

EXAMPLES = """\
backstory what-if withdraw a-7 --cents 50
backstory what-if withdraw a-7 --cents 50 --at main~1
backstory what-if withdraw --help
"""

TEXT = """\
The command is given as for do. Shown are its events, each state that it reads before and after, and what the events
would start: of a process the commands that it would give, and the deadlines that it would set or cancel; a
reaction is only named, because it may do what cannot be taken back. Nothing is stored. Exit code 1: it was refused."""


def arguments(parser: ArgumentParser) -> None:
    """The command. Its own parameters are known once it is named."""
    parser.add_argument("command", nargs="?", metavar="COMMAND", help="the command")
    parser.add_argument("words", nargs="*", default=[], metavar="ARGUMENT", help="its arguments")
    options(parser)


def options(parser: _ActionsContainer) -> None:
    """The options that each command has."""
    parser.add_argument("--at", metavar="REVISION", help="on the history as it was then: '#12', main~3")
    author_option(parser)
    application_options(parser)


def narrowed(words: list[str]) -> tuple[str, str, Asked, list[str]] | None:
    """The command that the words name, as a verb of its own; None if they name none and ask for help."""
    return named_command("what-if", sys.modules[__name__], words, options, perform, "--at main~1")


def perform(command: Command, arguments: Namespace, session: Session, out: Output) -> int:
    """Try it, and show what it would do."""
    with theirs(str(command)):
        db = session.database
        try:
            with db.context(author=author(arguments)):
                tried = db.try_out(command, arguments.at, reactions=session.application.reactions)
        except Refused as refused:
            refusal(refused, command, out)
            return code_of(refused)
    if out.json:
        out.document("what-if", **tried_document(tried))
        return 0
    preview(tried.preview, command, out)
    for start in tried.starts:
        out.lines(_start(start, out))
    return 0


def _start(start: Start, out: Output) -> Iterator[str]:
    what = "the process" if start.is_process else "the reaction"
    yield f"{plain(start.record.type)} would start {what} {out.paint(plain(start.name), 'bold')}"
    for step in start.steps:
        yield f"  {_step(step_document(step))}"
    if start.wrong:
        yield from (f"  {line}" for line in plain_lines(start.wrong).splitlines())


def _step(step: dict[str, Any]) -> str:
    if "deadline" in step:
        return f"sets the deadline {plain(step['deadline'])} at {step['due'].isoformat()}"
    return f"cancels the deadline {plain(step['cancel'])}" if "cancel" in step else plain(step["command"])
