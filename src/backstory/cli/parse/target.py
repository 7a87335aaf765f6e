"""The target of a verb: a tag, for which no code is needed, or a state of the application."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError
from backstory.cli.parse import values
from backstory.decide.latest import Latest
from backstory.decide.state import State
from backstory.documents.application import identity_types
from backstory.errors import ApplicationError, BackstoryError

if TYPE_CHECKING:
    from backstory.session import Session

WORDS = "KEY:VALUE|STATE"
"""How it stands in a usage."""


def is_tag(word: str) -> bool:
    """Whether a word is a tag, and no revision such as `@{14:00}`."""
    return ":" in word and "@{" not in word


def reference(session: Session, words: Sequence[str]) -> State:
    """The empty state that the words mean. Raises `UsageError`, `ApplicationError`, `InvalidTag`."""
    name, *rest = words
    if not is_tag(name):
        return referred(session.application.state(name), rest)
    if rest:
        raise UsageError(f"one tag at a time; {rest[0]!r} is too much")
    tag = Latest(name)
    tag.query()
    return tag


def referred(cls: type[State], words: Sequence[str]) -> State:
    """The empty state of a class that these words identify. Raises `UsageError`."""
    fields = identity_types(cls)
    needed = [name for name, field in fields.items() if field.required]
    if not len(needed) <= len(words) <= len(fields):
        what = f"needs the identity {' '.join(map(str.upper, needed))}" if needed else "needs no identity"
        got = f"got {' '.join(words)}" if words else "got none"
        raise UsageError(f"{cls.__name__} {what}; {got}")
    try:
        given = {
            name: values.parsed(word, field.type)
            for (name, field), word in zip(fields.items(), words, strict=False)
        }
    except ValueError as wrong:
        raise UsageError(f"{cls.__name__} {wrong}") from None
    return cls(**given)


def state_class(session: Session, name: str) -> type[State]:
    """The class of this name; `tags` stands for the latest values of each tag."""
    return Latest if name == "tags" else session.application.state(name)


@contextmanager
def theirs(code: str | State | type[State]) -> Iterator[None]:
    """Name the part of the application's own code that raised an error: for a state, its `apply`."""
    try:
        yield
    except (BackstoryError, OSError):
        raise
    except Exception as wrong:
        from backstory.application import failure

        cls = code if isinstance(code, type) else type(code)
        what = code if isinstance(code, str) else f"{cls.__name__}.apply"
        raise ApplicationError(f"{what} failed:\n{failure(wrong)}") from wrong
