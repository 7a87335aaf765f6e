"""Taking history of other tables into a database, and telling what came of it."""

from __future__ import annotations

from typing import Any

from backstory import Database, RowChanged, RowDeleted, RowInserted
from backstory.transfer import Asked, LoadReport, Rejected, load, read_audit
from tests.transfer.conftest import STORE_KEY

NOTHING = Asked()


def take(db: Database, url: str, asked: Asked = NOTHING, rejects: list[Rejected] | None = None) -> LoadReport:
    """Import the history tables of a database."""
    on_reject = None if rejects is None else rejects.append
    return load(db.log, read_audit(url, asked, key=STORE_KEY, log=db.log), on_reject=on_reject)


def told(db: Database, table: str, key: str) -> list[tuple[str, str, Any]]:
    """The author, the kind and the fields of each event of a row."""
    found = []
    for record in db.table(table).history(key):
        event = record.event
        assert isinstance(event, (RowInserted, RowChanged, RowDeleted))
        fields = event.set if isinstance(event, RowChanged) else event.row
        found.append((record.author, type(event).__name__, fields))
    return found
