"""The event model of an application, read from its code: one document, pictures of it, and findings about it.

    from backstory.application import load
    from backstory.model import model_of

    model = model_of(load("bank", folder), folder)
    model.element("command:withdraw").refuses

`backstory model` and `backstory check` are this on the command line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backstory.model.elements import Model
    from backstory.model.reading import model_of

__all__ = ["Model", "model_of"]

_HOMES = {"Model": "elements", "model_of": "reading"}


def __getattr__(name: str) -> object:
    """Import a name when it is first asked for: tests of commands need the elements, and no reader of code."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
