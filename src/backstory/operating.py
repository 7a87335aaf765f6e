"""Looking after all that reads on: projections, reactions, outboxes and subscriptions, by their names.

The command line and the pages ask here, so that both mean the same by a name, and do the same to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from backstory.errors import ProjectionError
from backstory.outbox.message import Outbox
from backstory.projections import operate
from backstory.projections.catalog import Parked
from backstory.projections.operate import Standing
from backstory.projections.projection import Group
from backstory.projections.views import Views
from backstory.reactions import operate as reactions
from backstory.reactions.declare import Reacting
from backstory.reactions.operate import Operated, SubscriptionKept, standing, subscription
from backstory.reactions.process import reacting
from backstory.store import Store

if TYPE_CHECKING:
    from backstory.application import Application


class NotOperated(ProjectionError):
    """An application has no projection, reaction or outbox of this name, and the store no subscription."""


class Chosen(NamedTuple):
    """Groups of projections, reactions, outboxes, and the partitions of subscriptions."""

    groups: list[Group]
    reactions: list[Reacting]
    outboxes: list[Outbox]
    subscriptions: list[Operated]

    @property
    def consumers(self) -> list[Operated]:
        """All that have no tables, and are never made again."""
        return [*self.reactions, *self.outboxes, *self.subscriptions]

    @property
    def names(self) -> list[str]:
        """The names of all."""
        return [*(group.name for group in self.groups), *(each.name for each in self.consumers)]


def chosen(app: Application, views: Views, store: Store, names: Sequence[str]) -> Chosen:
    """The projections, groups, reactions and outboxes of these names, and subscriptions of the store.

    Without names, all of the application. Raises `NotOperated`.
    """
    every = Chosen(views.know(app.projections), list(map(reacting, app.reactions)), list(app.outboxes), [])
    if not names:
        return every
    found = Chosen([], [], [], [])
    for name in names:
        own = [
            group for group in every.groups if name in (group.name, *(each.name for each in group.members))
        ]
        consumers = [each for each in every.reactions if each.name == name]
        outboxes = [each for each in every.outboxes if each.name == name]
        subscriptions = [] if own or consumers or outboxes else subscription(store, name)
        if not (own or consumers or outboxes or subscriptions):
            known = ", ".join(sorted(every.names)) or "none at all"
            raise NotOperated(f"{app.name} has no projection, reaction or outbox {name!r}; it has {known}")
        found.groups.extend(group for group in own if group not in found.groups)
        found.reactions.extend(each for each in consumers if each not in found.reactions)
        found.outboxes.extend(each for each in outboxes if each not in found.outboxes)
        found.subscriptions.extend(subscriptions)
    return found


def standings(found: Chosen, views: Views, store: Store, now: datetime) -> list[Standing]:
    """Where each stands: each generation of projections, then the others."""
    consumers = (standing(each, store, views.source, now) for each in found.consumers)
    return [*operate.standings(views, found.groups, now), *consumers]


def parked(found: Chosen, views: Views, store: Store) -> list[Parked]:
    """The events that these keep back, or leave out."""
    of_groups = (one for group in found.groups for one in operate.parked(views, group))
    return [*of_groups, *(one for each in found.consumers for one in reactions.parked(each, store))]


def skip(found: Chosen, views: Views, store: Store, position: int, why: str) -> None:
    """Leave an event out for good, and say why."""
    for group in found.groups:
        operate.skip(views, group, position, why)
    for each in _keeping(found, store, position):
        reactions.skip(each, store, position, why)


def retry(found: Chosen, views: Views, store: Store, position: int | None = None) -> int:
    """Try the events of one event's key again, or all; how many. A process that runs a reaction tries its own."""
    applied = sum(operate.retry(views, group, position) for group in found.groups)
    return applied + sum(reactions.retry(each, store, position) for each in _keeping(found, store, position))


def pause(found: Chosen, views: Views, store: Store) -> None:
    """Let nobody run these, until somebody resumes them."""
    for group in found.groups:
        operate.pause(views, group)
    for each in found.consumers:
        reactions.pause(each, store)


def resume(found: Chosen, views: Views, store: Store) -> None:
    """Let these go on. Raises `ProjectionError` for one that is diverged."""
    for group in found.groups:
        operate.resume(views, group)
    for each in found.consumers:
        reactions.resume(each, store)


def _keeping(found: Chosen, store: Store, position: int | None) -> list[Operated]:
    """The consumers that this is about; of a subscription's partitions the one that keeps the event."""
    return [
        each
        for each in found.consumers
        if position is None
        or not isinstance(each, SubscriptionKept)
        or any(one.position == position for one in reactions.parked(each, store))
    ]
