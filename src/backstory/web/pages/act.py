"""The form of an action: what it needs, and what it will do."""

from __future__ import annotations

from backstory.web.actions import need, refs
from backstory.web.ask import Ask
from backstory.web.page import Answer


def page(ask: Ask) -> Answer:
    """The form, filled with the parameters of the address."""
    need(ask, "append")
    return refs.page_of(refs.planned(ask, dict(ask.params)))
