"""The event model of an application, read from its code: one document, pictures of it, and findings about it.

    from backstory.application import load
    from backstory.model import model_of

    model = model_of(load("bank", folder), folder)
    model.element("command:withdraw").refuses

`backstory model` and `backstory check` are this on the command line.
"""

from __future__ import annotations

from backstory.model.elements import Model
from backstory.model.reading import model_of

__all__ = ["Model", "model_of"]
