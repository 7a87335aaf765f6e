"""The author, the cause, and other metadata for everything that is appended within a block of code.

Kept in a context variable, so each thread and each async task has its own, and a task starts with its parent's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import msgspec

from backstory.store import Record


class Context(msgspec.Struct, frozen=True):
    """Values for commits that do not give their own: an author, a message, and metadata."""

    author: str = ""
    message: str = ""
    metadata: Mapping[str, Any] = {}


_current: ContextVar[Context] = ContextVar("backstory", default=Context())  # noqa: B039 - it is frozen


def current() -> Context:
    """The context of the code that runs now."""
    return _current.get()


@contextmanager
def context(
    *,
    author: str | None = None,
    message: str | None = None,
    correlation: str | None = None,
    because: Record | None = None,
    **metadata: Any,
) -> Iterator[None]:
    """Set them for a block; an inner block adds to an outer one.

    `correlation` is an id that everything of one request shares. `because` is the event that made this code run: its
    commit becomes the `causation`, and its correlation goes on. Raises `RuntimeError` at its end if it began in another
    context, such as that of a thread: then nobody else has seen the values.
    """
    outer = _current.get()
    added = dict(metadata)
    if because is not None:
        added["causation"] = because.commit.id
        added["correlation"] = because.metadata.get("correlation", because.commit.id)
    if correlation is not None:
        added["correlation"] = correlation
    inner = Context(
        outer.author if author is None else author,
        outer.message if message is None else message,
        {**outer.metadata, **added},
    )
    token = _current.set(inner)
    try:
        yield
    finally:
        try:
            _current.reset(token)
        except ValueError:
            raise RuntimeError(
                "this block of db.context ends in another context than it began in, so what was appended meanwhile has"
                " no author, message and metadata of it. A FastAPI dependency with such a block is to be `async def`:"
                " a plain `def` runs in a thread with a context of its own, of which the endpoint sees nothing"
            ) from None
