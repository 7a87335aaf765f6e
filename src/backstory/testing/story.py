"""The steps of a scenario in words, for a failure's message and for the specification."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from backstory.model.elements import Decision
from backstory.values.event import Unknown
from backstory.values.event_data import EventData
from backstory.values.event_types import event_type


class Step(NamedTuple):
    """`Given`, `When`, `Then` or `And`, and its words, line by line."""

    word: str
    lines: tuple[str, ...]


class Facts(NamedTuple):
    """The parts of a scenario, for the model: types of given events, decisions, projections and reactions."""

    given: list[str]
    decisions: list[Decision]
    projects: list[str]
    runs: list[str]


class Story:
    """The steps of one scenario, as far as it has come, and the facts behind the words."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.facts = Facts([], [], [], [])

    def tell(self, word: str, lines: Iterable[str]) -> None:
        """Add a step; a second `Then` in a row reads `And`."""
        if word == "Then" and self.steps and self.steps[-1].word in ("Then", "And"):
            word = "And"
        self.steps.append(Step(word, tuple(lines)))

    def failure(self, why: object, then: Iterable[str] = ()) -> AssertionError:
        """The error for a scenario that failed: the reason, and the story up to the `Then` that is not true."""
        if lines := tuple(then):
            self.tell("Then", lines)
        return AssertionError("\n".join([str(why), "", *told(self.steps)]))


def types_of(events: Iterable[object]) -> list[str]:
    """The names of the types of some events."""
    return [
        event.type if isinstance(event, EventData | Unknown) else event_type(type(event)).name
        for event in events
    ]


def told(steps: Iterable[Step]) -> Iterator[str]:
    """Steps as lines of text, with their words in one column."""
    for step in steps:
        for word, line in zip((step.word, *[""] * len(step.lines)), step.lines, strict=False):
            yield f"{word:<7}{line}"


_listening: ContextVar[list[Story] | None] = ContextVar("backstory.testing", default=None)


@contextmanager
def listening() -> Iterator[list[Story]]:
    """Gather the stories of the scenarios that run inside."""
    stories: list[Story] = []
    token = _listening.set(stories)
    try:
        yield stories
    finally:
        _listening.reset(token)


def announce(story: Story) -> Story:
    """Give this story, which may still go on, to all listeners."""
    stories = _listening.get()
    if stories is not None:
        stories.append(story)
    return story
