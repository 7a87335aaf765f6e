"""Fields that a reader may not see, by their names: a scope hides them beside what the code marks.

    email            a field of any class, and a name at any depth of data that no class describes
    Order.email      a field of one class, by its name, or by its name as an event

They are those of the current context: `hiding` sets them for a block of code.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context

_hidden: ContextVar[frozenset[str]] = ContextVar("backstory.hidden", default=frozenset())


@contextmanager
def hiding(fields: Collection[str]) -> Iterator[None]:
    """Hide these fields in all output of this block of code, beside those that are hidden already."""
    token = _hidden.set(_hidden.get().union(fields))
    try:
        yield
    finally:
        _hidden.reset(token)


def context_hiding(fields: Collection[str]) -> Context:
    """A context like this one in which these fields are hidden, too: for code that runs there a piece at a time."""
    context = copy_context()
    context.run(_hidden.set, _hidden.get().union(fields))
    return context


def hidden_now() -> frozenset[str]:
    """The fields that are hidden in this context."""
    return _hidden.get()


def names(hidden: Collection[str], *owners: str) -> frozenset[str]:
    """The names of the fields that are hidden of every class, and of these."""
    return frozenset(
        field for owner, _, field in (each.rpartition(".") for each in hidden) if not owner or owner in owners
    )


def all_names(hidden: Collection[str]) -> frozenset[str]:
    """The names of the fields that are hidden of any class."""
    return frozenset(each.rpartition(".")[2] for each in hidden)
