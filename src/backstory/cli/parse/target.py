"""The target of a verb: a tag, for which no code is needed, or a state of the application."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError
from backstory.decide.latest import Latest
from backstory.decide.state import State
from backstory.texts.states import is_tag, referred

if TYPE_CHECKING:
    from backstory.session import Session

WORDS = "KEY:VALUE|STATE"
"""How it stands in a usage."""


def reference(session: Session, words: Sequence[str]) -> State:
    """The empty state that the words mean. Raises `UsageError`, `InputError`, `ApplicationError`, `InvalidTag`."""
    name, *rest = words
    if not is_tag(name):
        return referred(session.application.state(name), rest)
    if rest:
        raise UsageError(f"one tag at a time; {rest[0]!r} is too much")
    tag = Latest(name)
    tag.query()
    return tag


def state_class(session: Session, name: str) -> type[State]:
    """The class of this name; `tags` stands for the latest values of each tag."""
    return Latest if name == "tags" else session.application.state(name)
