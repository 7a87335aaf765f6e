"""Code to begin with: an application, and slices of it, each in a folder of its own.

    write(new_app("shop"), Path("shop"))
    app = load("shop", Path("shop"))
    files = new_slice(app, "place-order", gives="OrderPlaced", fields=["order", "cents:int"])  # paths and texts
    write(files, Path("shop/shop"))

A slice is one step of an event model: a decision with its event, a decision that a reaction executes, or a view of
events. Each comes with a specification that passes. It is as small as it can be: the names, the fields and the
commonest refusals are there, and the rules are left to its author.
"""

from __future__ import annotations

from backstory.scaffold.files import write
from backstory.scaffold.project import new_app
from backstory.scaffold.slices import new_slice

__all__ = ["new_app", "new_slice", "write"]
