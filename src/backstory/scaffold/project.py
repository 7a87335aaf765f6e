"""A project to begin with: its settings, its words for people and assistants, and two slices that may be deleted."""

from __future__ import annotations

import sys
from importlib.metadata import version
from importlib.resources import files as resources
from string import Template

from backstory.errors import ScaffoldError
from backstory.scaffold.change import change
from backstory.scaffold.event import defined
from backstory.scaffold.field import Field
from backstory.scaffold.names import snake
from backstory.scaffold.view import view

PLACES = {
    "pyproject.txt": "pyproject.toml",
    "README.md": "README.md",
    "AGENTS.md": "AGENTS.md",
    "CLAUDE.md": "CLAUDE.md",
    "gitignore": ".gitignore",
    "package.txt": "{package}/__init__.py",
}
"""The file of a project that each text in `app/` becomes."""

WEB = {
    "web/pages.txt": "{package}/pages.py",
    "web/web.txt": "{package}/web.py",
    "web/conftest.txt": "{package}/conftest.py",
    "web/test_web.txt": "{package}/test_web.py",
    "web/test_page.txt": "{package}/take_note/test_page.py",
    "web/page_html.txt": "{package}/templates/page.html",
    "web/home_html.txt": "{package}/templates/home.html",
    "web/form_html.txt": "{package}/templates/form.html",
    "web/table_html.txt": "{package}/templates/table.html",
}
"""The same for a project with pages."""

DEPENDS = {False: ("backstory", ""), True: ("backstory[fastapi,web]", '"httpx2", ')}
"""The packages on which a project without pages, and one with pages, depends; and those that its tests need besides."""


def new_app(name: str, *, web: bool = False) -> dict[str, str]:
    """The files of a project, the paths relative to its folder; nothing is written. With `web` its slices have pages.

    Raises `ScaffoldError` for a name that its package cannot have.
    """
    package = snake(name, "an application")
    if package in sys.stdlib_module_names or package in ("backstory", "tests", "test"):
        raise ScaffoldError(
            f"{package} is the name of another package; choose one that says what the application is about"
        )
    depends, tested = DEPENDS[web]
    words = {
        "package": package,
        "version": version("backstory"),
        "depends": depends,
        "tested": tested,
        "serve": SERVE.format(package=package) if web else "",
        "page": "\n- `page.py`: its page, in one line until it needs more; `pages.py` has what all pages share;"
        if web
        else "",
    }
    texts = resources("backstory.scaffold") / "app"
    found = {
        place.format(package=package): Template((texts / source).read_text("utf-8")).substitute(words)
        for source, place in (PLACES | (WEB if web else {})).items()
    }
    slices = change(package, "take-note", "NoteTaken", FIELDS, web=web)
    noted = defined(f"{package}.take_note.decision", "NoteTaken", FIELDS)
    slices |= view(package, "notes", [noted], web=web)
    return found | {f"{package}/{path}": text for path, text in slices.items()}


SERVE = "\n$ uvicorn {package}.web:app --reload"
"""How the pages are served."""

FIELDS = [Field("note"), Field("text")]
"""Of the slices that every new application has, as an example."""
