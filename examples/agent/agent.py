"""The agent: it goes on with a run until the run ends, from wherever it stands."""

from __future__ import annotations

from collections.abc import Mapping

from backstory import Command, Database, Refused
from examples.agent.model import Model
from examples.agent.run import Run, begin_tool, note_answer, note_reply
from examples.agent.tools import UNKNOWN, Tool


def go_on(db: Database, run: str, model: Model, tools: Mapping[str, Tool]) -> Run:
    """Take the steps that are left, and return the run at its end. After a crash, call it again.

    A tool that was begun and has not answered is used again if it is repeatable. If it is not, the model is told that
    nobody knows whether it was done.
    """
    while not (now := db.load(Run(run))).answer:
        if now.wants is None:
            _take(db, note_reply(Run(run), step=now.step, reply=model(now.messages, tools)), "model")
            continue
        tool = tools[now.wants.tool]
        if now.begun and not tool.repeatable:
            answer = UNKNOWN
        elif now.begun or _take(db, begin_tool(Run(run), step=now.step), "agent"):
            answer = tool.use(f"{run}/{now.step}", **now.wants.arguments)
        else:
            continue
        _take(db, note_answer(Run(run), step=now.step, answer=answer), now.wants.tool)
    return now


def _take(db: Database, step: Command, author: str) -> bool:
    """Whether the step was taken here; another process may have been quicker."""
    try:
        db.execute(step, author=author)
    except Refused:
        return False
    return True
