"""Templates: the one environment that makes HTML, the frame of every page, and what templates may use.

Jinja2 escapes every value. Text of the store is only ever text: `plain` makes control characters visible, and CSS keeps
text that runs from right to left inside of its own place.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from backstory.web import shown
from backstory.web.guard import CSP
from backstory.web.icons import ICONS
from backstory.web.page import Page, Slow
from backstory.web.static import version

if TYPE_CHECKING:
    from jinja2 import Template

    from backstory.web.ask import Ask

CUT = "<!-- content -->"
"""The place of the content in the frame of a page that is sent piece by piece."""

SECTIONS = (
    ("log", "Log", ("log", "c")),
    ("e", "Entities", ("e",)),
    ("blame", "Blame", ("blame",)),
    ("diff", "Diff", ("diff",)),
    ("bisect", "Bisect", ("bisect",)),
    ("branches", "Branches", ("branches", "merge", "act", "do")),
    ("models", "Read models", ("models",)),
    ("model", "Event model", ("model",)),
)
"""The navigation: the first part of an address, the name, and the first parts that belong to it."""


class Dense(PackageLoader):
    """Templates without the spaces at the beginning of their lines: a fifth of a long list. Values are not touched."""

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str, Callable[[], bool] | None]:
        """The source of a template; see `jinja2.BaseLoader`."""
        source, name, is_current = super().get_source(environment, template)
        return re.sub(r"^[ \t]+", "", source, flags=re.MULTILINE), name, is_current


@cache
def environment() -> Environment:
    """The environment of all templates."""
    env = Environment(
        loader=Dense("backstory.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
    )
    env.globals.update(icons=ICONS, sections=SECTIONS, csp=CSP, version=version)
    env.globals.update(shown.GLOBALS)
    env.filters.update(shown.FILTERS)
    return env


@cache
def _template(name: str) -> Template:
    return environment().get_template(name)


def rendered(ask: Ask | None, page: Page, *, part: bool = False, prefix: str = "") -> str:
    """A page as HTML; `part`: its content alone. `prefix` is where the stylesheet is, for a page that nobody asks."""
    frame = _template("bare.html" if part else "frame.html")
    prefix = prefix if ask is None else ask.prefix
    return _template(page.template).render(frame=frame, ask=ask, prefix=prefix, page=page, **page.values)


def shell(ask: Ask, answer: Slow) -> tuple[str, str]:
    """The frame of a page that is still being made: the text before its content, and the text after it."""
    page = Page("waiting.html", answer.title, {}, values={"cut": CUT})
    before, _, after = rendered(ask, page).partition(CUT)
    return before, after
