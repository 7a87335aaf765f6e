"""Executing a command, or previewing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli.exits import code_of
from backstory.cli.parse.author import author
from backstory.cli.show import commits
from backstory.cli.show.decisions import preview, refusal
from backstory.errors import Refused
from backstory.failing import theirs
from backstory.told import plain

if TYPE_CHECKING:
    from argparse import Namespace

    from backstory.cli.show.output import Output
    from backstory.decide.call import Command
    from backstory.session import Session


def perform(command: Command, arguments: Namespace, session: Session, out: Output) -> int:
    """Execute or preview a command, and show the result."""
    with theirs(str(command)):
        db = session.database
        try:
            if arguments.preview:
                with db.context(author=author(arguments), message=arguments.message):
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
