"""Prompts: the tasks of the guide, each with its page, for a person to begin a talk with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mcp_types import GetPromptResult, Prompt, PromptArgument, PromptMessage, TextContent

from backstory import guide
from backstory.errors import InputError
from backstory.likeness import did_you_mean


class Task(NamedTuple):
    """A task: the page of the guide, what a person is asked for, and what an assistant does."""

    topic: str
    title: str
    asks: str
    then: str


TASKS: dict[str, Task] = {
    "model_slice": Task(
        "model",
        "Model a slice",
        "What is to be possible, in a sentence or two",
        "Look at `model`. Name the events, the command, its refusals and the read model. Then use `scaffold_slice`.",
    ),
    "write_decision": Task(
        "decide",
        "Write a decision",
        "The rule, and when it is refused",
        "Look at the commands of `model`. Write the scenarios first, one for each refusal, then the command.",
    ),
    "write_view": Task(
        "view",
        "Write a read model",
        "What is to be shown or found",
        "Look at the events of `model`. Write the state or the projection, and its test.",
    ),
    "write_automation": Task(
        "automate",
        "Write an automation",
        "What is to happen, after which event or when",
        "Look at the events and commands of `model`. Write the reaction or the process, and its test.",
    ),
    "change_event": Task(
        "evolve",
        "Change a published event",
        "The event, and the change",
        "Look at the event in `model`, at stored ones by `log`. Write the new version and an upcaster. Then `check`.",
    ),
    "write_test": Task(
        "test",
        "Write a test",
        "The behaviour, or the state whose history shows it",
        "If it happened, use `write_spec`. Else write given, when, then, with the events of `model`.",
    ),
    "debug": Task(
        "debug",
        "Debug with history",
        "What is wrong, of which state",
        "Ask `bisect` since when, `why` by which command and cause, and `write_spec` for a test that shows it. Only"
        " then change code, and ask `backtest` what the new code would have decided.",
    ),
    "choose": Task(
        "when-not",
        "Is event sourcing right for this?",
        "The application, and what hurts",
        "Say honestly whether a table would do, and why.",
    ),
}


def listed() -> list[Prompt]:
    """All prompts."""
    return [
        Prompt(
            name=name,
            title=task.title,
            description=guide.topic(task.topic).summary,
            arguments=[PromptArgument(name="task", description=task.asks, required=True)],
        )
        for name, task in TASKS.items()
    ]


def filled(name: str, given: Mapping[str, str]) -> GetPromptResult:
    """A prompt with what the person said. Raises `InputError`."""
    if name not in TASKS:
        hint = did_you_mean(name[:60], TASKS, f"there are {', '.join(TASKS)}")
        raise InputError(f"there is no prompt {name[:60]!r}; {hint}")
    task, said = TASKS[name], given.get("task", "").strip()
    if not said:
        raise InputError(f"{name} needs the argument task: {task.asks}")
    text = f"{task.title}: {said}\n\n{task.then}\n\nThe guide says:\n\n{guide.topic(task.topic).text}"
    message = PromptMessage(role="user", content=TextContent(text=text))
    return GetPromptResult(description=task.title, messages=[message])
