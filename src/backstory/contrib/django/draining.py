"""Draining: what the triggers wrote into the outbox goes to the log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import connections, transaction

from backstory.capture import Capture, Drained
from backstory.contrib.django.capturing import is_migrated, tx_of
from backstory.contrib.django.conf import Configured, configured
from backstory.contrib.django.databases import (
    connection_of,
    current_database,
    in_transaction,
    main_database,
    shares_database,
)

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from backstory.tables import Transaction


def drain(settings: Configured | None = None) -> Drained:
    """Bring what was captured, and is committed, to the log.

    Inside of a transaction this goes over a connection of its own, because what the transaction wrote may be taken
    back. A test's own transaction is never committed: there it is drained all the same. Raises `StoreError`.
    """
    settings = settings or configured()
    connection = connection_of(settings)
    if not is_migrated(connection):
        return Drained(0, 0, main_database(settings).head().position)
    if not in_transaction(connection):
        db = current_database(settings) if shares_database(settings) else main_database(settings)
        return Capture([]).drainer(db, lambda: begun(connection)).drain()
    other = connections.create_connection(settings.database)
    try:
        return Capture([]).drainer(main_database(settings), lambda: begun(other)).drain()
    finally:
        other.close()


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
