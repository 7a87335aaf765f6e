"""Which projections of the application a verb is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError

if TYPE_CHECKING:
    from backstory.database import Database
    from backstory.projections.projection import Group
    from backstory.session import Session


def chosen(session: Session, db: Database, names: Sequence[str]) -> list[Group]:
    """The groups of these names, of projections or of groups; all of the application without any."""
    app = session.application
    groups = db.views.know(app.projections)
    if not names:
        return groups
    found = []
    for name in names:
        own = [group for group in groups if name in (group.name, *(each.name for each in group.members))]
        if not own:
            known = ", ".join(sorted(group.name for group in groups)) or "none at all"
            raise UsageError(f"{app.name} has no projection {name!r}; it has {known}")
        found += [group for group in own if group not in found]
    return found
