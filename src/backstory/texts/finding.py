"""The states of a kind for which a condition is true, as somebody asks for them in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from backstory.errors import Behind, OutOfScope
from backstory.failing import theirs
from backstory.texts.states import check_shown, condition
from backstory.told import quiet

if TYPE_CHECKING:
    from backstory.application import Application
    from backstory.database import Database
    from backstory.decide.state import State
    from backstory.projections.find import Page


def found(
    db: Database,
    app: Application | None,
    cls: type[State],
    where: str = "",
    *,
    sort: Sequence[str] = (),
    limit: int | None = None,
    after: str | None = None,
    count: bool = False,
    at: str | None = None,
) -> Page[Any]:
    """The states: from the table of the class if it is at the end of the log, else from the log.

    Raises `InputError` for a condition or an order that would tell masked values, and as `Database.find`.
    """
    if where.strip():
        condition(where, cls)
    check_shown((name.removeprefix("-") for name in sort), cls)
    asked: dict[str, Any] = {
        "where": where, "order_by": tuple(sort), "limit": limit, "after": after, "count": count
    }  # fmt: skip
    with theirs(cls), quiet():  # a person, or an assistant, asks now and then
        if at is None and _is_kept(db, app, cls):
            try:
                return db.find(cls, **asked, commit=db.head().position, timeout=0)
            except Behind:
                pass
        return db.find(cls, **asked, at=at or "HEAD")


def _is_kept(db: Database, app: Application | None, cls: type[State]) -> bool:
    """Whether there is a table of the class; to a reader with a scope there is none."""
    try:
        views = db.views
    except OutOfScope:
        return False
    if app is not None:
        views.know(app.projections)
    return views.kept(cls) is not None
