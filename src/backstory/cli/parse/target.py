"""The target of a verb: a tag, for which no code is needed, or a state of the application."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from backstory.decide.latest import Latest
from backstory.decide.state import State
from backstory.errors import InputError
from backstory.texts import states

if TYPE_CHECKING:
    from backstory.session import Session

WORDS = "KEY:VALUE|STATE"
"""How it stands in a usage."""


def reference(session: Session, words: Sequence[str]) -> State:
    """The empty state that the words mean. Raises `InputError`, `ApplicationError`, `InvalidTag`."""
    return states.reference(words, session.state)


def is_whole(session: Session, words: Sequence[str]) -> bool:
    """Whether these words mean a state or a tag, and nothing is missing."""
    try:
        reference(session, words)
    except InputError:
        return False
    return True


def state_class(session: Session, name: str) -> type[State]:
    """The class of this name; `tags` stands for the latest values of each tag."""
    return Latest if name == "tags" else session.state(name)
