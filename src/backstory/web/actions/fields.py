"""The fields of a form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from backstory.web.actions import Form
from backstory.web.ask import Ask
from backstory.web.merging import LONGEST

if TYPE_CHECKING:
    from backstory.history.refs.revision import Point

BEGINNING = "0"
"""In the place of a hash: the point before everything."""


def one(form: Form, name: str) -> str:
    """A field that is sent once; the last one counts."""
    value = form.get(name, "")
    return value if isinstance(value, str) else value[-1]


def pairs(form: Form) -> Iterator[tuple[str, str]]:
    """All fields, one by one."""
    for name, value in form.items():
        for each in [value] if isinstance(value, str) else value:
            yield name, each


def is_sure(form: Form) -> bool:
    """Whether the reader has seen what it will do."""
    return one(form, "sure") == "1"


def reason(form: Form) -> str:
    """Why it is done: the message of the commit."""
    return one(form, "reason").strip()[:LONGEST]


def point_of(ask: Ask, base: str) -> Point:
    """The point of a form, by the hash that it carries; else the one that is looked at.

    Raises `RevisionError`, and `BranchError` for a point in the middle of a commit.
    """
    db = ask.whole.switch(ask.branch)
    point = db.point((0 if base == BEGINNING else base) if base else ask.at or "HEAD")
    db.branches.start(point.chain, point.position)
    return point


def base_of(point: Point) -> str:
    """The point as a form carries it: a name that means the same whatever is appended."""
    return BEGINNING if point.commit is None else point.commit.hash.hex()
