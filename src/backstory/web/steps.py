"""The events of an entity that a page is about, around the point that is looked at, and what each of them changed."""

from __future__ import annotations

from backstory.failing import theirs
from backstory.history.ask.steps import Events, Steps, events_around, most_steps, steps_of
from backstory.web.ask import Ask
from backstory.web.entities import Entity, log_of, nothing

MOST, PART = 2_000, 500
"""Events that one page looks at, where these are all there are, or else a part of more: the slider has a step for each.
"""


def around_of(ask: Ask, found: Entity, most: int | None = None) -> Events:
    """The events of an entity around the point that is looked at. Raises `NotFound` if there is none up to it."""
    log = log_of(ask)
    # `ask.head` is where the stream of newer events begins: what is newer is not in the page yet
    end = ask.head if ask.point.chain == ask.db.chain else log.head()
    around = events_around(log, found.reference, ask.position, end.position, most or MOST)
    if around is None:
        raise nothing(ask, found)
    return around


def compared(ask: Ask, found: Entity, around: Events) -> Steps:
    """The changes of each of the events; of fewer events, if there are more than these or the state is large."""
    loader, reference = ask.db.handle.line(ask.point.chain).loader, found.reference
    with theirs(reference):
        most = most_steps(loader.load(reference), PART if around.before or around.after else MOST)
        if most < len(around.events):
            around = around_of(ask, found, most)
        return steps_of(log_of(ask), reference, around, loader.load)
