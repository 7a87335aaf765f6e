"""Short pages that fit the installed version: how to model, decide, show, automate, evolve, test and debug.

The command line prints them (`backstory guide decide`), assistants ask for them, and `docs/llms.txt` is made from them.
"""

from __future__ import annotations

from importlib.resources import files
from typing import NamedTuple

from backstory.errors import UnknownTopic
from backstory.likeness import did_you_mean

TOPICS = ("model", "decide", "view", "automate", "evolve", "test", "debug", "when-not")
"""The pages, in the order in which they are needed."""


class Topic(NamedTuple):
    """A page: its name, its title, its first sentence, and all of its text as Markdown."""

    name: str
    title: str
    summary: str
    text: str


def topic(name: str) -> Topic:
    """The page of this name. Raises `UnknownTopic` with the names that there are."""
    if name not in TOPICS:
        listed = f"it has {', '.join(TOPICS)}"
        raise UnknownTopic(f"the guide has no topic {name!r}; {did_you_mean(name, TOPICS, listed)}")
    text = (files("backstory.guide") / f"{name}.md").read_text("utf-8")
    heading, summary = text.split("\n\n")[:2]
    return Topic(name, heading.removeprefix("# "), " ".join(summary.split()), text)


def topics() -> list[Topic]:
    """All pages, in the order in which they are needed."""
    return [topic(name) for name in TOPICS]
