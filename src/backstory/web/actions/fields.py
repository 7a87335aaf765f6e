"""The fields of a form."""

from __future__ import annotations

from collections.abc import Iterator

from backstory.web.actions import Form
from backstory.web.merging import LONGEST


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
