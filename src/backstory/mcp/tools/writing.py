"""The tool that appends, for a server that was started so: commands of the application, under a name that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from backstory.documents import document
from backstory.documents.commits import commit_document
from backstory.documents.decisions import refusal_document
from backstory.errors import Refused
from backstory.failing import theirs
from backstory.lookup import events_of
from backstory.mcp.calls import CommandArguments, CommandName, command_of
from backstory.mcp.tool import Arguments, Short, Tool
from backstory.subject import subject_of

if TYPE_CHECKING:
    from backstory.mcp.served import Served


class ExecuteArguments(Arguments, kw_only=True):
    """The arguments of `execute`."""

    command: CommandName
    arguments: CommandArguments = msgspec.field(default_factory=dict)
    message: Annotated[Short | None, Meta(description="Why, in words that stay in the history for ever.")] = (
        None
    )
    id: Annotated[
        Annotated[Short, Meta(min_length=1)] | None,
        Meta(description="An id of the commit: the same call again then changes nothing."),
    ] = None


def execute(served: Served, asked: ExecuteArguments) -> dict[str, Any]:
    """Execute a command: its commit, or its refusal."""
    command = command_of(served, asked.command, asked.arguments)
    db = served.whole
    with theirs(str(command)):
        try:
            commit = db.execute(command, id=asked.id, author=served.writes_as, message=asked.message)
        except Refused as refused:
            return document("refusal", **refusal_document(command, refused))
    if commit is None:
        return document("nothing", command=str(command))
    return document(
        "commit", **commit_document(commit, subject_of(db.log, commit), events_of(db.log, commit))
    )


TOOLS = (
    Tool(
        "execute",
        "Execute a command",
        """Execute a command of the application: it is decided now, and its events are appended for ever. The author
says that an assistant did it. Try it with `what_if` first, and ask the person whether it is meant.

Example: {"command": "withdraw", "arguments": {"account": "a-7", "cents": 500}, "message": "as asked by Ann"}.""",
        ExecuteArguments,
        execute,
        appends=True,
    ),
)
