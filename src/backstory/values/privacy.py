"""Marks for values that not everybody may see: `Secret`, `Personal`; `Subject` marks the person they are about.

    class Registered(Event):
        user: Subject[str]            # a tag, and whose personal data this is
        email: Personal[str]          # masked where people read
        token: Secret[str]            # masked everywhere, and left out of recorded commands

They stand on fields of events and states, on fields of the values in these, and on arguments of commands. Like `Tag`
they are annotations, which change nothing about the value.
"""

from __future__ import annotations

import enum
from typing import Annotated, Any, TypeVar, get_args

T = TypeVar("T")


class Privacy(enum.IntEnum):
    """How closely a value is kept; the higher mark counts where a value has two.

    `WITHHELD` is no mark of the code: a reader may not see the value, by the scope given to them.
    """

    SUBJECT = 0
    PERSONAL = 1
    SECRET = 2
    WITHHELD = 3


Personal = Annotated[T, Privacy.PERSONAL]
"""`email: Personal[str]` is about a person: masked in all that is shown, unless somebody asks to see it."""

Secret = Annotated[T, Privacy.SECRET]
"""`password: Secret[str]` opens something: never shown, and never recorded as the argument of a command."""


def mark_of(annotation: Any) -> Privacy | None:
    """The closest mark on the value as a whole: `Personal[str]` has one, `list[Personal[str]]` has none."""
    marks = [mark for mark in getattr(annotation, "__metadata__", ()) if isinstance(mark, Privacy)]
    return max(marks, default=None) or None


def unmarked(annotation: Any) -> Any:
    """The type of a value without the mark on the value as a whole, which changes nothing about it."""
    others = [mark for mark in getattr(annotation, "__metadata__", ()) if not isinstance(mark, Privacy)]
    if mark_of(annotation) is None:
        return annotation
    return Annotated[(annotation.__origin__, *others)] if others else annotation.__origin__


def is_marked(annotation: Any) -> bool:
    """Whether any part of an annotation is personal or secret."""
    return mark_of(annotation) is not None or any(map(is_marked, get_args(annotation)))
