"""A run, and what may be decided about it: each step is taken once."""

from __future__ import annotations

from backstory import Refused, State, Tag, command
from examples.agent.events import Asked, Replied, ToolAnswered, ToolBegun
from examples.agent.said import Call, Message, Reply


class Run(State):
    run: Tag[str]
    messages: list[Message] = []
    wants: Call | None = None  # the tool that the model asked for
    begun: bool = False  # whether somebody uses it
    answer: str = ""  # the words that end the run

    @property
    def step(self) -> int:
        """The number of the next message."""
        return len(self.messages)

    def apply(self, event: Asked | Replied | ToolBegun | ToolAnswered) -> None:
        match event:
            case Asked(prompt=prompt):
                self.messages.append(Message("person", prompt))
                self.answer = ""
            case Replied(reply=Reply(text, None)):
                self.messages.append(Message("model", text))
                self.answer = text
            case Replied(reply=Reply(_, call)):
                self.messages.append(Message("model", str(call)))
                self.wants = call
            case ToolBegun():
                self.begun = True
            case ToolAnswered(answer=answer):
                self.messages.append(Message("tool", answer))
                self.wants, self.begun = None, False


@command
def ask(run: Run, step: int, prompt: str) -> Asked:
    """A person asks, at the beginning, or when the agent has answered."""
    _need(run, step, bool(run.answer) or not run.messages)
    return Asked(run.run, step, prompt)


@command
def note_reply(run: Run, step: int, reply: Reply) -> Replied:
    _need(run, step, bool(run.messages) and not run.answer and run.wants is None)
    return Replied(run.run, step, reply)


@command
def begin_tool(run: Run, step: int) -> ToolBegun:
    """Of several processes that try, one begins. The others are refused, and do not use the tool."""
    _need(run, step, run.wants is not None and not run.begun)
    return ToolBegun(run.run, step)


@command
def note_answer(run: Run, step: int, answer: str) -> ToolAnswered:
    _need(run, step, run.wants is not None)
    return ToolAnswered(run.run, step, answer)


def _need(run: Run, step: int, possible: bool) -> None:
    if step != run.step or not possible:
        raise Refused(f"this cannot be step {step}, after {run.step} messages", code="step")
