"""Commands and facts from Django's code: with its transaction on PostgreSQL, after its commit elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from django.db.transaction import TransactionManagementError

from backstory.contrib.django.conf import configured
from backstory.contrib.django.databases import (
    connection_of,
    current_database,
    in_transaction,
    main_database,
    shares_database,
)
from backstory.decide.context import current
from backstory.values.ids import new_id

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from backstory.database import Database
    from backstory.decide.call import Command
    from backstory.values.commit import Commit


def execute(command: Command, **said: Any) -> Commit | None:
    """Execute a command together with the rows that the code around it writes.

    In `transaction.atomic` on PostgreSQL, the commit and the rows are kept together or not at all, and a savepoint that
    is rolled back takes the commit along. All others who append wait from here to the end of the transaction: make it
    the last statement.

    On SQLite the log is a file of its own. There the command is decided here, on what this transaction has executed
    before it, so that a refusal rolls the transaction back; it is decided again and appended after the commit of the
    transaction, and this returns None. A crash in between loses the command, and a refusal that somebody else causes in
    between is raised when the rows are kept already.

    Outside of a transaction it is `Database.execute`. It takes what that takes, and raises what that raises.
    """
    return _written(lambda db, said: db.execute(command, **said), said)


def append(*events: Any, **said: Any) -> Commit | None:
    """Append facts together with the rows that the code around it writes; see `execute`, and `Database.append`."""
    return _written(lambda db, said: db.append(*events, **said), said)


Write: TypeAlias = "Callable[[Database, dict[str, Any]], Any]"
"""Writes to a database, with what a commit says."""


def _written(write: Write, said: dict[str, Any]) -> Commit | None:
    settings = configured()
    connection = connection_of(settings)
    if in_transaction(connection) and not connection.in_atomic_block:
        raise TransactionManagementError(
            "the end of this transaction is not known, because code ends it by itself: execute and append belong into"
            " transaction.atomic"
        )
    if shares_database(settings) or not in_transaction(connection):
        return cast("Commit | None", write(current_database(settings), said))
    db = main_database(settings)
    whole = _whole(said)
    waiting = Waiting(db, lambda db: write(db, whole))
    with db.what_if() as trial:
        for earlier in waiting_on(connection):
            earlier.write(trial)
        waiting.write(trial)
    connection.on_commit(waiting)
    return None


class Waiting:
    """A write that is done after the commit of a transaction."""

    def __init__(self, db: Database, write: Callable[[Database], Any]) -> None:
        self._db = db
        self.write = write

    def __call__(self) -> None:
        self.write(self._db)


def waiting_on(connection: BaseDatabaseWrapper) -> list[Waiting]:
    """The writes that wait for the commit of a connection's transaction; those of savepoints that are gone are not."""
    return [func for _, func, *_ in connection.run_on_commit if isinstance(func, Waiting)]


def _whole(said: dict[str, Any]) -> dict[str, Any]:
    """The words of a commit and its id, with those of the context now, which may be another one by then."""
    now = current()
    whole = {**said, "metadata": {**now.metadata, **(said.get("metadata") or {})}}
    for name, value in (("author", now.author), ("message", now.message), ("id", new_id())):
        if whole.get(name) is None:
            whole[name] = value
    return whole
