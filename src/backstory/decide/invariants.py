"""Invariants: statements that are true of a state after every event.

    class Account(State):
        ...

        @invariant
        def never_overdrawn(self) -> bool:
            return self.balance >= 0

They cost nothing in production, where they are not checked. Tests check them after every event: `backstory.testing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, TypeVar

MARK = "__backstory_invariant__"

M = TypeVar("M", bound=Callable[[Any], bool | None])


def invariant(method: M) -> M:
    """Mark a method of a state that says whether the state is as it must be.

    It returns a bool, or fails an assertion whose message names the fault. People see its name, or the first line of
    its docstring.
    """
    setattr(method, MARK, True)
    return method


def broken(state: Any) -> Iterator[str]:
    """The invariants of a state that do not hold, in words."""
    for words, method in _invariants(state.__class__):
        try:
            held = method(state)
        except AssertionError as wrong:
            yield str(wrong) or words
        else:
            if held is not None and not held:
                yield words


@cache
def _invariants(cls: type[Any]) -> list[tuple[str, Callable[[Any], bool | None]]]:
    """A class's invariants and their words, in the order in which they are written, a base's first."""
    names = dict.fromkeys(name for base in reversed(cls.__mro__) for name in vars(base))
    methods = {name: getattr(cls, name) for name in names}
    return [(_words(name, method), method) for name, method in methods.items() if hasattr(method, MARK)]


def _words(name: str, method: Callable[..., Any]) -> str:
    lines = (method.__doc__ or "").strip().splitlines()
    return lines[0].rstrip(".") if lines else name.replace("_", " ")
