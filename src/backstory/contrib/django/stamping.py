"""The author and the reason of a write: said to the database right before each statement that writes.

The context of the code (`backstory.decide.context`) is that of its thread or task, and so is what is said. On
PostgreSQL it is a setting that ends with the transaction; on SQLite a row that is gone after the statement. A statement
outside of any transaction gets one, so nothing of it can be left for somebody else's request.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.db import transaction

from backstory.capture import Capture
from backstory.capture.statements import may_write
from backstory.contrib.django.capturing import is_migrated, tx_of
from backstory.contrib.django.conf import configured
from backstory.contrib.django.databases import blocks_of, followed, in_transaction
from backstory.decide.context import current
from backstory.values.ids import new_id

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from backstory.tables import Row

BEGINS = re.compile(r"\s*(BEGIN|SAVEPOINT)\b", re.IGNORECASE)

STEPS = re.compile(r"\s*(SAVEPOINT|RELEASE|ROLLBACK)\b", re.IGNORECASE)
"""A statement by which Django begins or ends a block."""

NOTHING = Capture([])


class Stamp:
    """Says it on one connection of Django's; see `BaseDatabaseWrapper.execute_wrapper`."""

    def __init__(self, *, is_migrated: bool) -> None:
        # Known before any transaction: a question at its beginning could cost it the lock that its write waits for.
        self._is_migrated = is_migrated
        self._transaction = new_id()

    def __call__(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        """Run a statement, after saying who writes it."""
        connection: BaseDatabaseWrapper = context["connection"]
        text = (
            sql if isinstance(sql, str) else sql.as_string(context["cursor"].cursor)
        )  # psycopg composes some
        if STEPS.match(text) is None:
            followed(connection, text)
        if not may_write(text):
            if BEGINS.match(text) and not blocks_of(connection):
                self._transaction = new_id()
            return execute(sql, params, many, context)
        if connection.vendor == "sqlite":
            self._is_migrated = self._is_migrated or is_migrated(connection)
            if not self._is_migrated:
                return execute(sql, params, many, context)
            return self._on_sqlite(connection, context["cursor"], lambda: execute(sql, params, many, context))
        if many or not isinstance(sql, str) or not _takes_several(context["cursor"].cursor):
            with transaction.atomic(using=connection.alias):
                NOTHING.say(tx_of(connection), **_now())
                return execute(sql, params, many, context)
        told = Told()
        NOTHING.say(told, **_now())
        said = told.sql if params is None else told.sql.replace("%", "%%")
        result = execute(said + sql, params, many, context)
        context["cursor"].cursor.nextset()  # past the answer to what was said
        return result

    def _on_sqlite(self, connection: BaseDatabaseWrapper, cursor: Any, execute: Callable[[], Any]) -> Any:
        raw = connection.connection
        if not connection.in_atomic_block and not connection.autocommit and not raw.in_transaction:
            self._transaction = new_id()  # the code ends it by itself
            raw.execute("BEGIN").close()
        if raw.in_transaction:
            with self._said(connection):
                return execute()
        raw.execute("BEGIN").close()  # Django need not know of it
        try:
            with self._said(connection):
                result = execute()
            if (
                cursor.description is not None
            ):  # or the rows that it returns would keep SQLite from the commit
                cursor.cursor = Fetched(cursor.cursor)
            raw.execute("COMMIT").close()
        except BaseException:
            raw.rollback()
            raise
        return result

    @contextmanager
    def _said(self, connection: BaseDatabaseWrapper) -> Iterator[None]:
        tx = tx_of(connection)
        named = self._transaction if in_transaction(connection) else None
        if named is None:  # in a test, a block after this may begin without a savepoint
            self._transaction = new_id()
        try:
            NOTHING.say(tx, **_now(), transaction=named)
        except sqlite3.OperationalError:
            if is_migrated(connection):
                raise
            self._is_migrated = False  # the migration was taken back meanwhile
            yield
            return
        try:
            yield
        finally:
            NOTHING.hush(tx)


class Told:
    """The words of the capture for PostgreSQL, as a statement to be sent in front of another one."""

    dialect = "postgresql"
    sql = ""

    def execute(self, sql: str, arguments: Sequence[Any] = ()) -> None:
        """Note a statement with its arguments."""
        self.rows(sql, arguments)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Note a statement for each of these rows."""
        for row in rows:
            self.rows(sql, row)

    def rows(self, sql: str, arguments: Sequence[Any] = ()) -> list[Row]:
        """Note a question, which nobody answers here."""
        from psycopg.sql import quote

        parts = iter(arguments)
        self.sql += (
            "".join(quote(next(parts)) if part == "?" else part for part in re.split(r"(\?)", sql)) + "; "
        )
        return []


class Fetched:
    """A cursor of SQLite's whose answer was fetched already, and that is used as before from its next statement on."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self._rows: list[Any] | None = cursor.fetchall()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.fetchall())

    def execute(self, *arguments: Any) -> Any:
        """The next statement."""
        self._rows = None
        return self._cursor.execute(*arguments)

    def executemany(self, *arguments: Any) -> Any:
        """The next statement, for many rows."""
        self._rows = None
        return self._cursor.executemany(*arguments)

    def fetchone(self) -> Any:
        """The next row."""
        return self._cursor.fetchone() if self._rows is None else self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int | None = None) -> Any:
        """The next rows."""
        if self._rows is None:
            return self._cursor.fetchmany() if size is None else self._cursor.fetchmany(size)
        count = self._cursor.arraysize if size is None else size
        found, self._rows = self._rows[:count], self._rows[count:]
        return found

    def fetchall(self) -> Any:
        """All rows that are left."""
        if self._rows is None:
            return self._cursor.fetchall()
        found, self._rows = self._rows, []
        return found


def _takes_several(cursor: Any) -> bool:
    """Whether a cursor sends several statements at once, because it binds values by itself."""
    from psycopg import ClientCursor

    return isinstance(cursor, ClientCursor)


def _now() -> dict[str, Any]:
    now = current()
    return {"author": now.author, "message": now.message, "metadata": now.metadata or None}


def stamp(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Let a connection that was just made say who writes."""
    if connection.alias == configured().database and not any(
        isinstance(wrapper, Stamp) for wrapper in connection.execute_wrappers
    ):
        on_sqlite = connection.vendor == "sqlite"
        connection.execute_wrappers.append(Stamp(is_migrated=on_sqlite and is_migrated(connection)))
