"""A project to begin with: its settings, its words for people and assistants, and two slices that may be deleted."""

from __future__ import annotations

import sys
from importlib.metadata import version
from importlib.resources import files as resources
from string import Template

from backstory.errors import ScaffoldError
from backstory.scaffold.change import change
from backstory.scaffold.field import Field
from backstory.scaffold.names import snake
from backstory.scaffold.shape import defined
from backstory.scaffold.view import view

PLACES = {
    "pyproject.txt": "pyproject.toml",
    "README.md": "README.md",
    "AGENTS.md": "AGENTS.md",
    "CLAUDE.md": "CLAUDE.md",
    "gitignore": ".gitignore",
    "package.txt": "{package}/__init__.py",
}
"""Where the text of each file in `app/` goes."""


def new_app(name: str) -> dict[str, str]:
    """The files of a project, the paths relative to its folder; nothing is written.

    Raises `ScaffoldError` for a name that its package cannot have.
    """
    package = snake(name, "an application")
    if package in sys.stdlib_module_names or package in ("backstory", "tests", "test"):
        raise ScaffoldError(
            f"{package} is the name of another package; choose one that says what the application is about"
        )
    words = {"package": package, "version": version("backstory")}
    found = {
        place.format(package=package): Template(
            (resources("backstory.scaffold") / "app" / source).read_text("utf-8")
        ).substitute(words)
        for source, place in PLACES.items()
    }
    slices = change(package, "take-note", "NoteTaken", FIELDS)
    slices |= view(package, "notes", [defined(f"{package}.take_note.decision", "NoteTaken", FIELDS)])
    return found | {f"{package}/{path}": text for path, text in slices.items()}


FIELDS = [Field("note"), Field("text")]
"""Of the slices that every new application has, as an example."""
