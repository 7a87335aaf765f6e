"""Runs that are taken again: as they were, without calling anything; or otherwise from one step on, on a branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backstory import Database, connect
from examples.agent.agent import go_on
from examples.agent.events import Asked, Replied, ToolAnswered, ToolBegun
from examples.agent.run import Run, ask, note_answer, note_reply
from examples.agent.said import Message, Reply
from examples.agent.tools import Tool


def replay(db: Database, run: str) -> list[Any]:
    """The events that the agent makes today of the recorded prompts, replies and answers of a run that has ended.

    They are those of the log, or the agent has changed. Neither a model nor a tool is called.
    """
    recorded = [record.event for record in db.read(Run(run))]
    replies = {event.step: event.reply for event in recorded if isinstance(event, Replied)}
    answers = {event.step: event.answer for event in recorded if isinstance(event, ToolAnswered)}

    def model(messages: Sequence[Message], _: Mapping[str, Tool]) -> Reply:
        return replies[len(messages)]

    def use(key: str, **_: object) -> str:
        return answers[int(key.rpartition("/")[2])]

    tools = {reply.call.tool: Tool("", use) for reply in replies.values() if reply.call is not None}
    with connect("memory:") as again:
        for event in recorded:
            if isinstance(event, Asked):
                again.execute(ask(Run(run), step=event.step, prompt=event.prompt))
                go_on(again, run, model, tools)
        return [record.event for record in again.read(Run(run))]


def fork(db: Database, run: str, step: int, instead: str, name: str) -> Database:
    """A new branch, on which this step was another one: another prompt, another reply, or another answer of a tool.

    Nothing follows it yet. `go_on` takes the next steps, with whichever model and tools are right for a trial.
    Raises `LookupError` if the run has no such step.
    """
    steps = {
        record.event.step: record for record in db.read(Run(run)) if not isinstance(record.event, ToolBegun)
    }
    if step not in steps:
        raise LookupError(
            f"run {run} has no step {step}; its steps are {', '.join(map(str, steps)) or 'none'}"
        )
    record = steps[step]
    branch = db.branch(name, at=record.position - 1)
    match record.event:
        case Asked():
            branch.execute(ask(Run(run), step=step, prompt=instead), author="trial")
        case Replied():
            branch.execute(note_reply(Run(run), step=step, reply=Reply(instead)), author="trial")
        case ToolAnswered():
            branch.execute(note_answer(Run(run), step=step, answer=instead), author="trial")
    return branch
