"""Which projections and reactions of the application a verb is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from backstory.cli.exits import UsageError
from backstory.reactions.operate import subscription
from backstory.reactions.process import reacting

if TYPE_CHECKING:
    from backstory.database import Database
    from backstory.outbox.message import Outbox
    from backstory.projections.projection import Group
    from backstory.reactions.declare import Reacting
    from backstory.reactions.operate import Operated
    from backstory.session import Session


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


def chosen(session: Session, db: Database, names: Sequence[str]) -> Chosen:
    """The projections, groups, reactions and outboxes of these names, and subscriptions of the store.

    Without names, all of the application."""
    app = session.application
    every = Chosen(db.views.know(app.projections), list(map(reacting, app.reactions)), list(app.outboxes), [])
    if not names:
        return every
    found = Chosen([], [], [], [])
    for name in names:
        own = [
            group for group in every.groups if name in (group.name, *(each.name for each in group.members))
        ]
        reactions = [each for each in every.reactions if each.name == name]
        outboxes = [each for each in every.outboxes if each.name == name]
        subscriptions = [] if own or reactions or outboxes else subscription(db.store, name)
        if not (own or reactions or outboxes or subscriptions):
            known = ", ".join(sorted(every.names)) or "none at all"
            raise UsageError(f"{app.name} has no projection, reaction or outbox {name!r}; it has {known}")
        found.groups.extend(group for group in own if group not in found.groups)
        found.reactions.extend(each for each in reactions if each not in found.reactions)
        found.outboxes.extend(each for each in outboxes if each not in found.outboxes)
        found.subscriptions.extend(subscriptions)
    return found


def chosen_groups(session: Session, db: Database, names: Sequence[str]) -> list[Group]:
    """The same for a verb that is about projections alone."""
    found = chosen(session, db, names)
    if names and found.consumers:
        what = "a reaction" if found.reactions else "an outbox"
        raise UsageError(
            f"{found.consumers[0].name} is {what}, which is never run again for an event that it has passed"
        )
    return found.groups
