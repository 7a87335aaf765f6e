"""The projections whose tables may still have values that were taken out of the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.errors import ApplicationError, SessionError
from backstory.told import pasted

if TYPE_CHECKING:
    from collections.abc import Collection

    from backstory.cli.show.output import Output
    from backstory.session import Session


def projections(session: Session, types: Collection[str]) -> list[str] | None:
    """The projections of the application that apply events of these types; None if there is no application here."""
    from backstory.projections.projection import groups

    try:
        known = groups(session.application.projections)
    except (SessionError, ApplicationError):
        return None
    return sorted(name for name, group in known.items() if not group.types.isdisjoint(types))


def tell(out: Output, found: Collection[str] | None) -> None:
    """Say that their tables are to be made anew."""
    if found is None:
        out.say(
            "backstory: tables of projections may still have the values; no application is known here, so rebuild all"
            " that apply these events (--app names the application), then take the old tables away: backstory"
            " projections --prune"
        )
    elif found:
        out.say(
            "backstory: tables of these projections may still have the values; make them anew, and take the old ones"
            f" away: {pasted('rebuild', *found)}; {pasted('projections', '--prune')}"
        )
