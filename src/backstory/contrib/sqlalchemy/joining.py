"""Commands and appends inside of a session's transaction on PostgreSQL: both are kept, or neither.

They are decided and appended together, as the last statements before the commit: from then on all others who append
wait for the end of the transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Unpack, cast

import msgspec
from sqlalchemy import event
from sqlalchemy.util import await_only

from backstory.database import Database
from backstory.errors import StoreRefused
from backstory.history.refs.branches import MAIN

if TYPE_CHECKING:
    from contextvars import Context

    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm import Session, SessionTransaction

    from backstory.aio import AsyncDatabase
    from backstory.atomic import Pending
    from backstory.decide.call import Command
    from backstory.table import Saying
    from backstory.values.commit import Commit

JOINED = "backstory"
"""Where a session keeps what its commits write to the log."""


class Write(msgspec.Struct):
    """A command, or facts, that a session's commit writes. `commit` is there afterwards, if the command decided so."""

    command: Command | None
    facts: tuple[Any, ...]
    said: Saying
    context: Context
    savepoint: SessionTransaction | None = None
    commit: Commit | None = None


class Joined:
    """The writes to the log that a session's transaction is to make; see `joined`."""

    def __init__(self, session: Session, db: Database, *, is_async: bool) -> None:
        self.db = db
        self._is_async = is_async
        self._waiting: list[Write] = []
        self._appended = False
        self._connection: Connection | None = None
        self._transaction: Any = None
        event.listen(session, "before_commit", self._before_commit)
        event.listen(session, "after_soft_rollback", self._taken_back)
        event.listen(session, "after_transaction_end", self._ended)
        self._session = session

    def execute(self, command: Command, **said: Unpack[Saying]) -> Write:
        """Execute a command at the commit, on the history as it is then; parameters as for `Database.execute`.

        `Refused` and other errors of the command are raised by the session's `commit`, and nothing is kept. To see what
        it would decide now, ask `db.preview(command)`.
        """
        return self._add(Write(command, (), said, copy_context()))

    def append(self, *events: Any, **said: Unpack[Saying]) -> Write:
        """Append facts at the commit, as one commit of the log; parameters as for `Database.append`."""
        return self._add(Write(None, events, said, copy_context()))

    def _add(self, write: Write) -> Write:
        if not self._session.in_transaction():
            self._session.begin()  # so that a rollback takes this back, too
        write.savepoint = self._session.get_nested_transaction()
        self._waiting.append(write)
        return write

    def _before_commit(self, session: Session) -> None:
        if not self._waiting or session.in_nested_transaction():
            return
        session.flush()
        connection = session.connection()
        if connection.dialect.name != "postgresql":
            raise StoreRefused(
                f"a transaction of {connection.dialect.name} cannot be joined, only one of PostgreSQL: execute the"
                " command after the commit"
            )
        if self._is_async:
            await_only(asyncio.to_thread(self._write, connection))  # its event loop goes on meanwhile
        else:
            self._write(connection)
        self._appended, self._connection = True, connection
        event.listen(connection, "before_cursor_execute", self._late)

    def _write(self, connection: Connection) -> None:
        with _driver_connection(connection) as driver, self._inside(driver) as inside:
            commands = [write for write in self._waiting if write.command is not None]
            pending: list[tuple[Write, Pending]] = []
            with inside.atomic() as unit:
                for write in commands:
                    assert write.command is not None
                    pending.append(
                        (write, write.context.copy().run(unit.execute, write.command, **write.said))
                    )
            for write, one in pending:
                write.commit = one.commit
            for write in self._waiting:
                if write.command is None:
                    write.commit = write.context.copy().run(inside.append, *write.facts, **write.said)

    @contextmanager
    def _inside(self, driver: Any) -> Iterator[Database]:
        """The database inside of the transaction that a driver's connection is in."""
        store, drafter = self.db.store, self.db.handle.drafter
        transaction: Any = store.join(driver)
        inside = Database(store.joined(transaction), clock=self.db.branches.clock, codec=drafter.codec)
        inside.handle.drafter = drafter
        try:
            yield inside if self.db.name in (None, MAIN) else inside.switch(self.db.name)
        finally:
            self._transaction = transaction

    def _late(self, _connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        self._transaction.followed(statement)

    def _taken_back(self, _session: Session, transaction: SessionTransaction) -> None:
        """Take back the drafts that were added inside of a savepoint, with the savepoint."""
        self._waiting = [write for write in self._waiting if transaction not in _enclosing(write.savepoint)]

    def _ended(self, _session: Session, transaction: SessionTransaction) -> None:
        """Begin anew with the next transaction, however this one ended."""
        if transaction.parent is not None:
            return
        if self._transaction is not None:
            self._transaction.ended = True
            self._transaction = None
        if self._appended:
            self.db.store.wake()
        self._waiting = []
        self._appended = False
        if self._connection is not None:
            event.remove(self._connection, "before_cursor_execute", self._late)
            self._connection = None


def _enclosing(savepoint: SessionTransaction | None) -> Iterator[SessionTransaction]:
    while savepoint is not None:
        yield savepoint
        savepoint = savepoint.parent


@contextmanager
def _driver_connection(connection: Connection) -> Iterator[Any]:
    """The driver's connection. One for async code is lent to a connection of psycopg that waits by itself."""
    driver: Any = connection.connection.driver_connection
    if type(driver).__name__ != "AsyncConnection" or type(driver).__module__.partition(".")[0] != "psycopg":
        yield driver
        return
    import psycopg

    handlers = driver.pgconn.notice_handler, driver.pgconn.notify_handler
    lent: Any = psycopg.Connection(driver.pgconn)
    lent.prepare_threshold = None  # its names of prepared statements would be those of the driver's own
    try:
        yield lent
    finally:
        del lent.pgconn  # or it would warn that it was never closed
        driver.pgconn.notice_handler, driver.pgconn.notify_handler = handlers


def joined(session: Session | AsyncSession, db: Database | AsyncDatabase) -> Joined:
    """Let a session's commits write to the log: commands and events are kept with its rows, or neither is.

        log = joined(session, db)
        session.add(order)
        log.execute(place(Order(order.id)))
        session.commit()

    `db` is in the same database of PostgreSQL as the session's tables, and the session has a connection of psycopg 3
    in READ COMMITTED. Else the commit raises `StoreRefused`, and nothing is kept.
    """
    inner: Session | None = getattr(session, "sync_session", None)
    own = db if isinstance(db, Database) else db.db
    info = session.info
    known = info.get(JOINED)
    if known is None or known.db is not own:
        known = info[JOINED] = Joined(inner or cast("Session", session), own, is_async=inner is not None)
    return known
