"""The pages, by the first part of their address. Each is a function from an `Ask` to an answer.

A page asks the verbs of `ask.db`, which is the database as this reader may see it, and nothing else. It gives a `Page`:
the document that `--json` gives, and what its template needs. `log.py` is one to copy.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from backstory.web.ask import TOO_LONG, Ask, NotFound
from backstory.web.page import Answer, Elsewhere

PAGES = {
    "act": "act",
    "bisect": "bisect",
    "branches": "branches",
    "c": "commit",
    "do": "do",
    "log": "log",
    "merge": "merge",
    "blame": "blame",
    "diff": "diff",
    "e": "entity",
    "search": "search",
    "models": "models",
    "model": "model",
}
"""The first part of an address, and the module of `pages/` that answers: `page(ask)`."""


def find(ask: Ask) -> Callable[[], Answer]:
    """The page at an address, to be made in a thread. Raises `NotFound`."""
    if not ask.path:
        return lambda: Elsewhere(ask.url("log"))
    if ask.path == [TOO_LONG]:
        raise NotFound("the name that this leads to is too long for an address; the command line shows it")
    name = PAGES.get(ask.path[0])
    if name is None:
        raise NotFound(f"there is no page {'/'.join(ask.path)}")
    module = import_module(f"backstory.web.pages.{name}")
    return lambda: module.page(ask)
