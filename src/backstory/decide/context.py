"""The author, the cause, and other metadata for everything that is appended within a block of code.

Kept in a context variable, so each thread and each async task has its own, and a task starts with its parent's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Any, TypeAlias

import msgspec

from backstory.store import Record


class Context(msgspec.Struct, frozen=True):
    """Values for commits that do not give their own: an author, a message, and metadata."""

    author: str = ""
    message: str = ""
    metadata: Mapping[str, Any] = {}


Author: TypeAlias = "str | Callable[[], str]"
"""An author, or a function that knows the author when something is written: a request's user may log in meanwhile."""


class _Around(msgspec.Struct, frozen=True):
    """The values of a block, before the author is asked for."""

    author: Author = ""
    message: str = ""
    metadata: Mapping[str, Any] = {}


_usual = _Around()
_current: ContextVar[_Around | None] = ContextVar("backstory", default=None)
_is_asked: ContextVar[bool] = ContextVar("backstory-asked", default=False)


def _now() -> _Around:
    return _current.get() or _usual


def current() -> Context:
    """The context of the code that runs now."""
    now = _now()
    metadata = now.metadata
    if callable(known := metadata.get("correlation")):
        metadata = {**metadata, "correlation": known()}
    return Context(_named(now.author) if callable(now.author) else now.author, now.message, metadata)


def is_author_asked() -> bool:
    """Whether this code is called by the function that names the author, which may read a database to do so."""
    return _is_asked.get()


def _named(author: Callable[[], str]) -> str:
    """The author by this function; nobody for what the function itself writes, which would ask it for ever."""
    if is_author_asked():
        return ""
    begun = _is_asked.set(True)
    try:
        return author()
    finally:
        _is_asked.reset(begun)


def usually(*, author: Author = "", **metadata: Any) -> None:
    """Set them for all code of this process that is in no block: a program that knows who has started it says so."""
    global _usual  # noqa: PLW0603 - it is of the process
    _usual = _Around(author, metadata=metadata)


def user_of_machine() -> str:
    """The author of what a person does at this machine: the name of its user; empty if nobody knows it."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


@contextmanager
def context(
    *,
    author: Author | None = None,
    message: str | None = None,
    correlation: str | Callable[[], str] | None = None,
    because: Record | None = None,
    **metadata: Any,
) -> Iterator[None]:
    """Set them for a block; an inner block adds to an outer one.

    `author` may be a function, which is asked whenever something is written. `correlation` is an id that everything of
    one request shares, or a function that knows it then. `because` is the event that made this code run: its commit
    becomes the `causation`, and its correlation goes on. Raises `RuntimeError` at its end if it began in another
    context, such as that of a thread: then nobody else has seen the values.
    """
    begun = begin(author=author, message=message, correlation=correlation, because=because, **metadata)
    try:
        yield
    finally:
        end(begun)


def begin(
    *,
    author: Author | None = None,
    message: str | None = None,
    correlation: str | Callable[[], str] | None = None,
    because: Record | None = None,
    **metadata: Any,
) -> Token[_Around | None]:
    """The beginning of such a block, for code that has no `with`: `end` is given what this returns, or never called."""
    outer = _now()
    added = dict(metadata)
    if because is not None:
        added["causation"] = because.commit.id
        added["correlation"] = because.metadata.get("correlation", because.commit.id)
    if correlation is not None:
        added["correlation"] = correlation
    inner = _Around(
        outer.author if author is None else author,
        outer.message if message is None else message,
        {**outer.metadata, **added},
    )
    return _current.set(inner)


def end(begun: Token[_Around | None]) -> None:
    """The end of a block. Raises `RuntimeError` in another context than it began in."""
    try:
        _current.reset(begun)
    except ValueError:
        raise RuntimeError(
            "this block of db.context ends in another context than it began in, so what was appended meanwhile has"
            " no author, message and metadata of it. A FastAPI dependency with such a block is to be `async def`:"
            " a plain `def` runs in a thread with a context of its own, of which the endpoint sees nothing"
        ) from None
