"""Actions on a read model: try parked events again, leave one out, make it anew, let it rest and go on."""

from __future__ import annotations

from backstory import operating
from backstory.web.actions import Form, need
from backstory.web.ask import Ask, BadParameter, NotFound
from backstory.web.page import Answer, Elsewhere
from backstory.web.pages.models import found_by

LONGEST = 1_000
"""Characters of a reason at most."""


def act(ask: Ask, form: Form) -> Answer:
    """Do what the form says to the read model of the address, and go back to its page."""
    need(ask, "operate")
    match ask.path[1:]:
        case [name]:
            pass
        case _:
            raise NotFound(f"nothing can be done at {'/'.join(ask.path)}")
    found = found_by(ask, name)
    whole = (found, ask.whole.views, ask.whole.store)
    back = ask.url("models", name)
    match form.get("do"):
        case "pause":
            operating.pause(*whole)
        case "resume":
            operating.resume(*whole)
        case "retry":
            operating.retry(*whole, None if form.get("position") == "all" else _position(form))
        case "skip":
            reason = str(form.get("reason", "")).strip()
            if not form.get("sure") or not reason:
                return Elsewhere(ask.url("models", name, skip=_position(form)))
            operating.skip(*whole, _position(form), reason[:LONGEST])
        case "rebuild":
            if not found.groups:
                raise BadParameter(
                    f"{name} has no tables, and never runs again for an event that it has passed"
                )
            if not form.get("sure"):
                return Elsewhere(ask.url("models", name, rebuild=True))
            for group in found.groups:
                ask.whole.views.rebuild(group, wait=False)
        case other:
            raise BadParameter(f"do is pause, resume, retry, skip or rebuild, not {str(other)[:60]!r}")
    return Elsewhere(back)


def _position(form: Form) -> int:
    text = str(form.get("position", "")).removeprefix("#")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadParameter(f"position is that of a parked event, not {text[:60]!r}")
    return int(text)
