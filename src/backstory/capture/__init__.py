"""Capture: the rows that an application writes into its own tables get a history in a log.

Triggers write each row that is inserted, changed or deleted into an outbox, in the transaction of whoever writes: bulk
writes and raw SQL are seen, too, and a rollback takes it back. A `Drainer` takes rows out of the outbox and appends
them to a log, as the events of rows that `db.table(name)` reads. This package knows of no ORM: it is given
transactions of the application's database (`backstory.tables.Transaction`: `dialect`, `execute`, `rows`), and
descriptions of tables.

    orders = Captured("orders", key=("id",), columns=(Column("id"), Column("town", field="city")))
    capture = Capture([orders])

    capture.install(tx)                       # in a migration: the outbox and the triggers; again, so that they fit
    capture.copy(begin)                       # the rows that were there before, a page at a time
    capture.check(tx)                         # what does not fit the tables as they are now, in words
    capture.say(tx, author="ann")             # in a transaction that writes; on SQLite `capture.hush(tx)` ends it
    drainer = capture.drainer(db, begin)      # `begin` gives a transaction for the length of a `with` block
    drainer.drain().position                  # what reads are given as `after=`
    with Running(drainer) as running: ...     # in a thread; `running.wake()` after a commit
    db.blame(db.table("orders").row(key_of(7)))
    undone(db, "main~1").events               # a revert: the adapter writes these to the application's tables

An adapter of an ORM describes its tables, gives `begin` (`transaction_on` makes a transaction of a connection of the
driver), calls `say` and `hush` at the right moments, and writes what `undone` gives.

`docs/design/capture.md` says why it is so.
"""

from __future__ import annotations

from backstory.capture.capture import Begin, Capture
from backstory.capture.connection import transaction_on
from backstory.capture.described import Captured, Column
from backstory.capture.drain import Drained, Drainer
from backstory.capture.running import Running
from backstory.capture.undo import Undone, undone
from backstory.rows.keys import key_of, parts_of

__all__ = [
    "Begin",
    "Capture",
    "Captured",
    "Column",
    "Drained",
    "Drainer",
    "Running",
    "Undone",
    "key_of",
    "parts_of",
    "transaction_on",
    "undone",
]
