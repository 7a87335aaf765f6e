"""What a page gives back: a document for programs, and a template with its values for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    """How far a long question has come: of how many positions, and how many answers were found so far."""

    done: int
    of: int
    found: int = 0


class Slow(msgspec.Struct, frozen=True):
    """The answer to a question that reads much: its frame is sent at once, then how far it is, then the page.

    `steps` gives `Progress` as often as it likes, and one `Page` at the end. `stop` is the address that asks for the
    answer as far as it is known now: the part of it before a position.
    """

    title: str
    steps: Iterator[Progress | Page]
    stop: str = ""


class Elsewhere(msgspec.Struct, frozen=True):
    """An answer that is at another address."""

    url: str


Answer = Page | Slow | Elsewhere
