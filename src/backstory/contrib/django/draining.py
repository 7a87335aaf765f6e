"""Draining: what the triggers wrote into the outbox goes to the log."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from django.db import DatabaseError, connections, transaction

from backstory.capture import Capture, Drained
from backstory.capture.capture import HOME
from backstory.capture.outbox import Outbox
from backstory.contrib.django.capturing import is_migrated, present, tx_of
from backstory.contrib.django.conf import Configured, configured
from backstory.contrib.django.databases import (
    MEMORY,
    address,
    connection_of,
    current_database,
    has_written,
    in_transaction,
    is_test_run,
    main_database,
    shares_database,
)
from backstory.contrib.django.running import forget_logs
from backstory.errors import StoreRefused

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from backstory.database import Database
    from backstory.tables import Transaction


ADOPTING = "run manage.py backstory adopt"

HASTE = 100
"""Milliseconds for which a drainer waits for a lock that its own thread may have."""


def drain(settings: Configured | None = None) -> Drained:
    """Bring what was captured, and is committed, to the log.

    Inside of a transaction this goes over a connection of its own, because what the transaction wrote may be taken
    back. A test's own transaction is never committed: there it is drained all the same. Raises `StoreError`, as in a
    block that has executed a command on PostgreSQL: what is drained would wait for the block's end.
    """
    settings = settings or configured()
    connection = connection_of(settings)
    if has_written(connection):
        raise StoreRefused(
            "this transaction has written to the log, and all others who append wait for its end: drain after it"
        )
    if not is_migrated(connection):
        return Drained(0, 0, main_database(settings).head().position)
    if not in_transaction(connection):
        db = current_database(settings) if shares_database(settings) else main_database(settings)
        return _drained(connection, db)
    other = connections.create_connection(settings.database)
    try:
        if other.vendor == "sqlite":  # the transaction of this thread may have the lock
            tx_of(other).execute(f"PRAGMA busy_timeout = {HASTE}")
        return _drained(other, main_database(settings))
    finally:
        other.close()


def adopt() -> None:
    """Take this database, a copy or a restored one, for the one whose rows the history is of from now on."""
    settings = configured()
    connection = connection_of(settings)
    with begun(connection) as tx:
        Capture(present(connection)).adopt(tx, main_database(settings))


def end_test() -> None:
    """A test that is not in a transaction ends with a `flush`: what is left of it is in no log of the next one."""
    if is_test_run() and address() == MEMORY:
        drain()
        forget_logs()


def _adopt_clone(connection: BaseDatabaseWrapper, db: Database) -> None:
    """Test runs in several processes give each a copy of the test database; a test's end takes this back, too."""
    with begun(connection) as tx:
        _, made, here = Outbox(tx, HOME).capture()
        if made != here:
            Capture(present(connection)).adopt(tx, db)


def _drained(connection: BaseDatabaseWrapper, db: Database) -> Drained:
    if is_test_run():
        _adopt_clone(connection, db)
    begins = 0

    def begin() -> AbstractContextManager[Transaction]:
        nonlocal begins
        begins += 1
        return begun(connection)

    try:
        return Capture([]).drainer(db, begin, ADOPTING).drain()
    except (DatabaseError, sqlite3.OperationalError) as error:
        # Each second transaction on SQLite only empties the outbox of what is in the log already. If somebody else has
        # the lock for too long, the next drainer does that.
        if connection.vendor == "sqlite" and "locked" in str(error) and begins % 2 == 0:
            return Drained(0, 0, db.head().position)
        raise


@contextmanager
def begun(connection: BaseDatabaseWrapper) -> Iterator[Transaction]:
    """A transaction of Django's connection of this thread, or of one that is nobody else's."""
    if connection is connections[connection.alias]:
        with transaction.atomic(using=connection.alias):
            yield tx_of(connection)
        return
    connection.ensure_connection()
    connection.set_autocommit(False)
    try:
        yield tx_of(connection)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    finally:
        connection.set_autocommit(True)
