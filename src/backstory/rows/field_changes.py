"""The history of rows as an auditor reads it: for each field that a commit changed, its value before and after."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from backstory.rows.events import Fields, RowChanged, RowDeleted, RowInserted, after
from backstory.rows.kinds import DELETED, key_in, kind
from backstory.values.masking import masked
from backstory.values.veil import named

if TYPE_CHECKING:
    from backstory.database import Database
    from backstory.history.refs.revision import Revision
    from backstory.store import Record

NO_VALUE = msgspec.UNSET
"""The value before or after of a field that the row did not have, or of which nobody knows."""


class FieldChange(NamedTuple):
    """A field of a row that a commit changed. `field` is None where an event changed none, or its data are withheld."""

    position: int
    authored: datetime
    time: datetime
    author: str
    message: str
    commit: str
    key: str
    change: str
    """`inserted`, `changed`, `deleted`, or `withheld`."""
    field: str | None = None
    before: Any = NO_VALUE
    after: Any = NO_VALUE


def field_changes(
    db: Database,
    table: str,
    key: str | None = None,
    at: Revision | None = None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[FieldChange]:
    """The history of a row, or of all rows of a table, in the order of the log; marked values are masked.

    With `since` and `until`, that of commits whose time in the log is not earlier and not later.

    The rows as they are at each place are held in memory, because an event of a row has only the new values.
    """
    classes, rows = kind(table), dict[str, Fields]()
    what = list(classes.events.values()) if key is None else [classes.row(key)]
    for record in db.read(*what, at=at):
        if until is not None and record.commit.time > until:
            return
        changes = _of(record, table, rows)
        if since is None or record.commit.time >= since:
            yield from changes
        else:
            deque(changes, 0)  # the rows before


def _of(record: Record, table: str, rows: dict[str, Fields]) -> Iterator[FieldChange]:
    event, commit = record.event, record.commit
    key = key_in(table, record.tags)
    about = (record.position, commit.authored, commit.time, commit.author, commit.message, commit.id, key)
    row = rows.pop(key, {})
    if isinstance(event, RowInserted):
        change, was, now = "inserted", {}, event.row
    elif isinstance(event, RowDeleted):
        change, was, now = "deleted", event.row, {}
    elif isinstance(event, RowChanged):
        touched = (*event.set, *event.unset)
        change, was, now = "changed", {name: row[name] for name in touched if name in row}, event.set
    else:
        if not record.type.endswith(DELETED):
            rows[key] = {}
        yield FieldChange(*about, "withheld")
        return
    if (fields := after(event, row)) is not None:
        rows[key] = fields
    hidden = named()
    before, then = masked(was, hidden), masked(now, hidden)
    for field in dict.fromkeys((*was, *now)) or (None,):
        yield FieldChange(*about, change, field, _value(before, field), _value(then, field))


def _value(fields: Mapping[str, Any], field: str | None) -> Any:
    return NO_VALUE if field is None else fields.get(field, NO_VALUE)


def cell(value: Any) -> str | None:
    """A value in a column of text: text is itself, other values are JSON, and there is none of no value."""
    if value is NO_VALUE:
        return None
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
