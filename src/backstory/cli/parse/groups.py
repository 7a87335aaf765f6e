"""Which projections and reactions of the application a verb is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError

if TYPE_CHECKING:
    from backstory.database import Database
    from backstory.operating import Chosen
    from backstory.projections.projection import Group
    from backstory.session import Session


def chosen(session: Session, db: Database, names: Sequence[str]) -> Chosen:
    """The projections, reactions, outboxes and subscriptions of these names; see `operating.chosen`."""
    from backstory import operating

    try:
        return operating.chosen(session.application, db.views, db.store, names)
    except operating.NotOperated as unknown:
        raise UsageError(str(unknown)) from None


def chosen_groups(session: Session, db: Database, names: Sequence[str]) -> list[Group]:
    """The same for a verb that is about projections alone."""
    found = chosen(session, db, names)
    if names and found.consumers:
        what = "a reaction" if found.reactions else "an outbox"
        raise UsageError(
            f"{found.consumers[0].name} is {what}, which is never run again for an event that it has passed"
        )
    return found.groups
