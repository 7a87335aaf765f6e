"""The columns of the history of rows: one row for each field that a commit changed."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from backstory.frames.columns import Column, batches, schema_of, table_of
from backstory.frames.kinds import INSTANT, PLAIN, Kind
from backstory.rows.field_changes import FieldChange, cell, field_changes
from backstory.rows.kinds import Row
from backstory.table import Table

if TYPE_CHECKING:
    from typing import Any

    import pyarrow as pa

    from backstory.database import Database
    from backstory.history.refs.revision import Revision

TEXT = PLAIN[str]
KINDS = {
    "position": PLAIN[int],
    "authored": INSTANT,
    "time": INSTANT,
    "author": Kind(TEXT.arrow, lambda author: author or None),
    "message": Kind(TEXT.arrow, lambda message: message or None),
}
"""The types of the columns that are no plain text."""

COLUMNS = [
    *(Column(name, KINDS.get(name, TEXT), attrgetter(name)) for name in FieldChange._fields[:-2]),
    Column("before", TEXT, lambda change: cell(change.before)),
    Column("after", TEXT, lambda change: cell(change.after)),
]


def found(db: Database, what: Row | Table[Any], at: Revision | None) -> pa.Table:
    """The history of a row, or of the rows of a table. Raises `TypeError` for anything else."""
    if isinstance(what, Row):
        changes = field_changes(db, what.table, what.key, at)
    elif isinstance(what, Table):
        changes = field_changes(db, what.name, at=at)
    else:
        raise TypeError(f"history=True goes with a table, db.table({what!r}), and not with {what!r}")
    return table_of(batches(changes, COLUMNS), schema_of(COLUMNS))
