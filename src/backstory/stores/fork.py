"""What must happen around a fork, so that parent and child can both go on.

SQLite's locks belong to the process: a connection that a child inherits holds none of them there, and one that the
child opens beside it believes that it does. So files are let go of before a fork, and opened again by whoever uses
them next.
Locks of Python, too, may be held by a thread that the child does not have.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forking(Protocol):
    """Something that has to be told of a fork."""

    def before_fork(self) -> None:
        """Let go of what must not be inherited, and let nobody take it again until the fork is over."""
        ...

    def after_fork(self, *, child: bool) -> None:
        """Go on."""
        ...


_known: weakref.WeakSet[Forking] = weakref.WeakSet()
_told: list[Forking] = []


def tell_of_forks(one: Forking) -> None:
    """Tell `one` of every fork, as long as it lives."""
    _known.add(one)


def _before() -> None:
    _told.extend(_known)
    for one in _told:
        one.before_fork()


def _after(*, child: bool) -> None:
    while _told:
        _told.pop().after_fork(child=child)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before,
        after_in_parent=lambda: _after(child=False),
        after_in_child=lambda: _after(child=True),
    )
