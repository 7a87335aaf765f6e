"""The answer of a page: a document for programs, and a template with its values for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from time import monotonic
from typing import Any

import msgspec


class Page(msgspec.Struct, frozen=True):
    """The answer to a question: the same as JSON and as HTML.

    `document` is that of `--json` on the command line. `command` is the command line that says the same, without the
    word `backstory`. `values` are those that the template uses.
    """

    template: str
    title: str
    document: Mapping[str, Any]
    command: tuple[str, ...] = ()
    values: Mapping[str, Any] = {}
    status: int = 200


class Progress(msgspec.Struct, frozen=True):
    """How far a long question has come: of how many positions, and how many answers were found so far.

    `found` is None where there is one answer, at the end. `what` is the noun of that which is looked at. `stop` is the
    address that asks for the answer as far as it is known now: of the positions that were looked at.
    """

    done: int
    of: int
    found: int | None = 0
    stop: str = ""
    what: str = "positions"


class Slow(msgspec.Struct, frozen=True):
    """The answer to a question that reads much: its frame is sent at once, then how far it is, then the page.

    `steps` gives `Progress` as often as it likes, and one `Page` at the end. `stop` is where a `Progress` that names no
    address of its own leads.
    """

    title: str
    steps: Iterator[Progress | Page]
    stop: str = ""


class Elsewhere(msgspec.Struct, frozen=True):
    """An answer that is at another address."""

    url: str


class Attached(msgspec.Struct, frozen=True):
    """A text that a page shows the beginning of, as a file to keep."""

    name: str
    text: str


SILENT, EVERY = 0.2, 0.5
"""Seconds in which nobody is told that there is something to wait for, and between what is told then."""


class Pace:
    """When it is time to say how far a question has come."""

    def __init__(self) -> None:
        self._due = monotonic() + SILENT

    def due(self) -> bool:
        """Whether it is time; if so, it is next after a while."""
        now = monotonic()
        if now < self._due:
            return False
        self._due = now + EVERY
        return True


def soon(title: str, steps: Iterator[Progress | Page]) -> Page | Slow:
    """The page itself if it is there before there is anything to say of how far it is; else a `Slow` one."""
    first = next(steps)
    return first if isinstance(first, Page) else Slow(title, chain([first], steps))


Answer = Page | Slow | Elsewhere | Attached
