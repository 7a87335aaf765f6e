"""`backstory do`: execute a command of an application, or see what it would do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from backstory.cli import asked, commits, parser
from backstory.cli.author import author, author_option
from backstory.cli.exits import UsageError, code_of
from backstory.cli.named import session_of
from backstory.cli.parser import application_options
from backstory.cli.target import theirs
from backstory.cli.text import plain
from backstory.codec import PLAIN
from backstory.documents.application import first_line
from backstory.documents.decisions import preview_document, refusal_document
from backstory.documents.states import name_of
from backstory.errors import Refused
from backstory.history.diff import diff
from backstory.history.patch import lines

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _ActionsContainer

    from backstory.cli.output import Output
    from backstory.commands import Command
    from backstory.execution import Preview
    from backstory.session import Session

EXAMPLES = """\
backstory do withdraw a-7 --cents 50 -m rent
backstory do withdraw --account a-7 --cents 50 --preview
backstory do withdraw --help
"""

TEXT = """\
The commands are listed by: backstory commands. What identifies a state is given by its place, or by the
parameter's name; everything else by name. Dates and times are as for --since of log; a list repeats its option;
an object is JSON. The command is decided on what the store holds now. Exit code 1: it was refused, and the
reason is shown."""


def arguments(parser: ArgumentParser) -> None:
    """Which command; its own parameters are known once it is named."""
    parser.add_argument("command", nargs="?", metavar="COMMAND", help="the command")
    parser.add_argument("words", nargs="*", default=[], metavar="ARGUMENT", help="its arguments")
    commit_options(parser)


def commit_options(parser: _ActionsContainer) -> None:
    """What is said about the commit, whatever the command."""
    parser.add_argument("--preview", action="store_true", help="show what would happen, and append nothing")
    parser.add_argument("-m", "--message", metavar="TEXT", help="why")
    author_option(parser)
    parser.add_argument(
        "--id", metavar="ID", help="the commit's id: the same command once more changes nothing"
    )
    application_options(parser)


def narrowed(words: list[str]) -> tuple[str, str, asked.Asked, list[str]] | None:
    """The command that the words name, as a verb of its own; None where they name none and ask for help.

    So `do` has no `run`: what is run is always a certain command's.
    """
    asks = [word for word in words if word not in ("-h", "--help")]
    found, _ = parser.build("do", "", sys.modules[__name__]).parse_known_args(asks)
    if found.command is None:
        if parser.wants_help(words):
            return None
        raise UsageError("which command? They are listed by: backstory commands")
    command = session_of(found).application.command(found.command)
    at = words.index(found.command)
    name = (
        found.command.replace("-", "_") if found.command.replace("-", "_") == command.name else found.command
    )
    about = first_line(command.__doc__) or "a command of this application"
    return f"do {name}", about, asked.Asked(command), words[:at] + words[at + 1 :]


def perform(command: Command, arguments: Namespace, session: Session, out: Output) -> int:
    """Execute or preview a command, and show what came of it."""
    with theirs(str(command)):
        db = session.database
        try:
            if arguments.preview:
                preview(db.preview(command), command, out)
                return 0
            commit = db.execute(
                command,
                id=arguments.id,
                author=author(arguments),
                message=arguments.message,
            )
        except Refused as refused:
            refusal(refused, command, out)
            return code_of(refused)
        if commit is None:
            if out.json:
                out.document("nothing", command=str(command))
            else:
                out.line(f"{plain(str(command))} decided that nothing is to happen")
            return 0
        commits.show(db.log, commit, out)
    return 0


def refusal(refused: Refused, command: Command, out: Output) -> None:
    """The reason, the code and the details: on standard error, or as the document."""
    document = refusal_document(command, refused)
    if out.json:
        out.document("refusal", **document)
        return
    out.say(f"backstory: {plain(str(command))} was refused: {plain(refused.reason)}")
    if refused.code != refused.reason:
        out.say(f"  code: {plain(refused.code)}")
    for name, value in document["details"].items():
        out.say(f"  {name}: {plain(str(value))}")


def preview(seen: Preview, command: Command, out: Output) -> None:
    """The events that there would be, and what they would change in each state that the command read."""
    encoded = [PLAIN.encode(event) for event in seen.events]
    if out.json:
        out.document("preview", **preview_document(command, seen, encoded))
        return
    out.line(
        f"{plain(str(command))} would append:" if encoded else f"{plain(str(command))} would append nothing"
    )
    for event in encoded:
        tags = out.paint("  ".join(map(plain, event.tags)), "green")
        out.line(f"  {out.paint(plain(event.type), 'bold')}  {tags}".rstrip())
        out.line(f"    {commits.data_line(event)}")
    for name, before in seen.before.items():
        difference = diff(before, seen.after[name]).masked()
        title = out.paint(plain(name_of(command.states[name])), "bold")
        out.line(title if difference else f"{title}  no change")
        out.lines(f"  {plain(str(line))}" for line in lines(difference))
