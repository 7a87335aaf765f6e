"""Forgetting captured rows: their values go out of the history, and rows that are still there begin theirs anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from backstory.decide.context import current

if TYPE_CHECKING:
    from backstory.database import Database
    from backstory.rows.kinds import Row


def forgotten(
    db: Database,
    rows: Iterable[Row],
    *,
    message: str,
    author: str | None,
    drain: Callable[[], object],
    copy: Callable[[Row, str | None], None],
) -> int:
    """Take the values of rows out of the history, for good; return how many events had them.

    The outbox is drained first, so that no value comes to the history later. `copy` brings a row that is still there
    into the outbox again (`Capture.copy_row`), with an author: that of the context, if none is given.
    """
    drain()
    each = {(row.table, row.key): row for row in rows}.values()
    found = sum(db.forget(row, message=message) for row in each)
    for row in each:
        copy(row, current().author if author is None else author)
    drain()
    return found
