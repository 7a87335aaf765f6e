"""Tools that debug by history: nothing that they do is left in the store or in a file."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta

from backstory import timelimit
from backstory.documents import document
from backstory.documents.backtest import backtest_document
from backstory.documents.decisions import refusal_document, tried_document
from backstory.documents.spec import spec_document
from backstory.documents.why import why_document
from backstory.errors import OutOfScope, Refused
from backstory.failing import theirs
from backstory.mcp.calls import CommandArguments, CommandName, command_of
from backstory.mcp.tool import Arguments, At, Identity, Short, StateName, Tool
from backstory.subject import Subjects
from backstory.verbs.debugging import backtesting

if TYPE_CHECKING:
    from backstory.mcp.served import Served

COMMITS = 200
"""Commits that are run again, unless a range is given."""


class WhyArguments(Arguments, kw_only=True):
    """The arguments of `why`."""

    state: StateName
    id: Identity = ()
    field: Annotated[
        Short, Meta(min_length=1, description="The field, or a part of one: balance, lines.0.cents.")
    ]
    at: At = None


def why(served: Served, asked: WhyArguments) -> dict[str, Any]:
    """Why a field has its value, back to the first cause."""
    reference = served.reference(asked.state, asked.id)
    log, upto = served.view(asked.at)
    with theirs(reference):
        served.need_events(log, reference, upto, asked.at)
        found = served.db.why(reference, asked.field, asked.at or "HEAD", commands=served.commands)
    return document("why", **why_document(found, upto, Subjects(log)))


class WhatIfArguments(Arguments, kw_only=True):
    """The arguments of `what_if`."""

    command: CommandName
    arguments: CommandArguments = msgspec.field(default_factory=dict)
    at: At = None


def what_if(served: Served, asked: WhatIfArguments) -> dict[str, Any]:
    """The effect that a command would have, decided on a branch in memory that vanishes."""
    command = command_of(served, asked.command, asked.arguments)
    _need_everything(served, "trial of", asked.command)
    with theirs(str(command)):
        try:
            with served.whole.context(author=served.writes_as or "assistant (mcp)"):
                tried = served.whole.try_out(command, asked.at, reactions=served.application.reactions)
        except Refused as refused:
            return document("refusal", **refusal_document(command, refused))
    return document("what-if", **tried_document(tried))


class BacktestArguments(Arguments, kw_only=True):
    """The arguments of `backtest`."""

    range: Annotated[
        Short, Meta(description=f"The commits to run again: main~100..main. Default: the last {COMMITS}.")
    ] = ""
    command: Annotated[Short | None, Meta(description="Run only this command again.")] = None
    each: Annotated[
        bool, Meta(description="Decide each command on the history as it was, not as it has come out now.")
    ] = False


def backtest(served: Served, asked: BacktestArguments) -> dict[str, Any]:
    """The outcomes of recorded commands with the code as it is now."""
    _need_everything(served, "backtest of", asked.range or "this branch")
    run = backtesting(
        served.db,
        asked.range or _last(served),
        command=asked.command,
        commands=served.application.commands_by_name(),
        each=asked.each,
    )
    limit = timelimit.current()
    for _ in run:
        if limit is not None and limit.is_past(0.5):  # the report needs some, too
            break
    report = run.report()
    found = document("backtest", **backtest_document(report, run.log, Subjects(run.log)))
    if not report.is_whole:
        found["left_out"] = [
            f"the commits after #{report.at}, up to #{report.end}: the time was over; ask with a higher max_seconds"
        ]
    return found


def _last(served: Served) -> str:
    """The range of the last commits."""
    first = next(islice(served.db.commits(backwards=True), COMMITS, None), None)
    return f"{first.hash.hex()}..HEAD" if first is not None else "#0..HEAD"


def _need_everything(served: Served, what: str, name: str) -> None:
    """Raise `OutOfScope` unless the reader sees everything: a decision reads events of any kind."""
    if not served.scope.is_whole:
        raise OutOfScope(what, name)


class SpecArguments(Arguments, kw_only=True):
    """The arguments of `write_spec`."""

    state: StateName
    id: Identity = ()
    range: Annotated[
        Short | None, Meta(description="Where the command is looked for: main~20..main. Default: everywhere.")
    ] = None
    then: Annotated[
        Literal["events", "state", "refused"],
        Meta(
            description="The end of the test: the events that it gave, the state after, or that it is to be refused."
        ),
    ] = "events"
    code: Annotated[Short | None, Meta(description="With `refused`: the code of the refusal.")] = None


def write_spec(served: Served, asked: SpecArguments) -> dict[str, Any]:
    """The last decision about a state as a test."""
    reference = served.reference(asked.state, asked.id)
    with theirs(reference):
        found = served.db.spec(
            reference,
            asked.range,
            then=asked.then,
            code=asked.code,
            commands=served.application.commands_by_name(),
        )
    return document("spec", **spec_document(reference, found, Subjects(served.db.log)))


TOOLS = (
    Tool(
        "why",
        "Explain a value",
        """Explain why a field has its value: the event that gave it, the command that decided it, on what that had
read, who did it and why, and what caused it, back to the first cause.

Use it when a value looks wrong, before you change code.
Examples: {"state": "Account", "id": "a-7", "field": "balance"};
{"state": "account:a-7", "field": "cents", "at": "main~5"}.""",
        WhyArguments,
        why,
    ),
    Tool(
        "what_if",
        "Try a command",
        """Show what a command would do, now or at a point of history: its events, the states before and after, a
refusal with its code, and the reactions that would start. It is decided on a branch in memory: nothing is appended.

Examples: {"command": "withdraw", "arguments": {"account": "a-7", "cents": 500}};
{"command": "withdraw", "arguments": {"account": "a-7", "cents": 500}, "at": "main~10"}.""",
        WhatIfArguments,
        what_if,
    ),
    Tool(
        "backtest",
        "Run recorded commands again",
        """Run the recorded commands of a range again with the code that this server was started with, and show which
decisions would be the same, changed or refused. Nothing is appended. Restart the server after you changed code.

Examples: {} for the last commits; {"range": "main~1000..main", "command": "withdraw"}.""",
        BacktestArguments,
        backtest,
    ),
    Tool(
        "write_spec",
        "Write a test from history",
        """Give a decision of the history as a given/when/then test, as text to paste: the last command about a state in
the range. Values that are marked have stand-ins. The test was run. Nothing is written.

Examples: {"state": "Account", "id": "a-7"}; {"state": "Account", "id": "a-7", "then": "refused", "code": "overdrawn"}
for a test that fails until the rule is there.""",
        SpecArguments,
        write_spec,
    ),
)
