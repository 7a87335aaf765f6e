"""The actions, by the first part of their address: what a reader may do, each shown before it is done.

An action gets the fields of its form. It checks the reader's rights by `need`, acts on `ask.whole`, and answers with
the address of what it made; without `sure`, with a page that says what it will do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

from backstory.hosts import Forbidden
from backstory.web.ask import Ask, NotFound
from backstory.web.page import Answer
from backstory.web.reader import Right

ACTIONS: dict[str, str] = {
    "act": "refs",
    "do": "do",
    "merge": "merge",
    "models": "models",
}
"""The first part of an address, and the module of `actions/` that answers: `act(ask, form)`."""

Form = Mapping[str, str | list[str]]
"""The fields of a form; a field that is sent more than once is a list."""


def find(ask: Ask, form: Form) -> Callable[[], Answer]:
    """The action at an address, to be done in a thread. Raises `NotFound`."""
    name = ACTIONS.get(ask.path[0]) if ask.path else None
    if name is None:
        raise NotFound(f"nothing can be done at {'/'.join(ask.path)}")
    module = import_module(f"backstory.web.actions.{name}")
    return lambda: module.act(ask, form)


def need(ask: Ask, right: Right) -> None:
    """Raise `Forbidden` if the reader may not do this, or does not see everything: the preview would have gaps."""
    if not ask.may(right) or not ask.reader.scope.is_whole:
        raise Forbidden(f"{ask.reader.name} may not do this here: it needs the right to {right}")
