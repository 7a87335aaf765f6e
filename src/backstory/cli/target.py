"""What a verb is about: a tag, for which no code is needed, or a state of the application."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from backstory.cli import application, entity
from backstory.cli.exits import UsageError
from backstory.latest import Latest
from backstory.state import State

if TYPE_CHECKING:
    from argparse import Namespace

WORDS = "KEY:VALUE|STATE"
"""How it stands in a usage."""


def is_tag(word: str) -> bool:
    """Whether a word is a tag, and no revision such as `@{14:00}`."""
    return ":" in word and "@{" not in word


def reference(arguments: Namespace, words: Sequence[str]) -> State:
    """The empty state that the words mean. Raises `UsageError`, `ApplicationError`, `InvalidTag`."""
    name, *rest = words
    if not is_tag(name):
        return entity.referred(application.loaded(arguments).state(name), rest)
    if rest:
        raise UsageError(f"one tag at a time; {rest[0]!r} is too much")
    tag = Latest(name)
    tag.query()
    return tag


def state_class(arguments: Namespace, name: str) -> type[State]:
    """The class of this name; `tags` stands for what is known about each tag."""
    return Latest if name == "tags" else application.loaded(arguments).state(name)


@contextmanager
def theirs(state: State | type[State]) -> Iterator[None]:
    """Say of an error in the application's own `apply` that it is theirs."""
    cls = state if isinstance(state, type) else type(state)
    with application.theirs(f"{cls.__name__}.apply"):
        yield
