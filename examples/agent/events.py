"""What happens in a run of the agent. `step` counts the messages."""

from __future__ import annotations

from backstory import Event, Tag
from examples.agent.said import Reply


class Asked(Event, name="agent.asked"):
    run: Tag[str]
    step: int
    prompt: str


class Replied(Event, name="agent.replied"):
    run: Tag[str]
    step: int
    reply: Reply


class ToolBegun(Event, name="agent.tool_begun"):
    """Noted before a tool is used, so that a crash cannot hide that it was."""

    run: Tag[str]
    step: int


class ToolAnswered(Event, name="agent.tool_answered"):
    run: Tag[str]
    step: int
    answer: str
