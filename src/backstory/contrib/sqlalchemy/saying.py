"""The author of a write, and the reason, which are said to the database before the first statement of a transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import event

from backstory.capture.statements import may_write
from backstory.contrib.sqlalchemy.transactions import CursorTransaction
from backstory.decide.context import context, current, is_author_asked
from backstory.values.ids import new_id

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import TracebackType

    from sqlalchemy import Connection, Engine
    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm import Session

    from backstory.capture import Capture

HEARD = "backstory"
"""Where a connection keeps what was said in its transaction."""


class Heard(msgspec.Struct):
    """The words that were said in a transaction, under the name that it has."""

    transaction: str
    said: tuple[str, str, str] | None = None


class Speaker:
    """Says the author and the message of `db.context` and `acting` in each transaction of an engine that writes."""

    def __init__(self, engine: Engine, capture: Capture) -> None:
        self._capture = capture
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._is_made = not self._is_sqlite
        event.listen(engine, "before_cursor_execute", self._before)
        event.listen(engine, "commit", self._committing)
        event.listen(engine, "rollback", self._over)
        event.listen(engine, "rollback_savepoint", self._taken_back)

    def _before(
        self, connection: Connection, _cursor: Any, statement: str, _p: Any, context: Any, _many: Any
    ) -> None:
        if (self._is_sqlite or is_author_asked()) and not _is_write(context, statement):
            return  # the author is not asked for, so the function that names them may read
        said = _said()
        heard = connection.info.get(HEARD)
        if heard is not None and heard.said == said:
            return
        if self._is_sqlite and not self._can_be_said(connection):
            return
        if heard is None:
            if not self._is_sqlite and not any(said):
                return
            heard = connection.info[HEARD] = Heard(new_id())
        self._say(connection, heard, said)

    def _say(self, connection: Connection, heard: Heard, said: tuple[str, str, str]) -> None:
        author, message, metadata = said
        self._capture.say(
            CursorTransaction(connection),
            author=author,
            message=message,
            metadata=msgspec.json.decode(metadata) if metadata else None,
            transaction=heard.transaction,
        )
        heard.said = said

    def _can_be_said(self, connection: Connection) -> bool:
        """Whether the outbox is there, and the statement is in a transaction, which will end."""
        driver = connection.connection.driver_connection
        if getattr(driver, "isolation_level", "") is None and not getattr(driver, "in_transaction", True):
            return False
        if not self._is_made:
            sql = "SELECT count(*) FROM sqlite_master WHERE name = 'backstory_said'"
            self._is_made = bool(CursorTransaction(connection).rows(sql)[0][0])
        return self._is_made

    def _committing(self, connection: Connection) -> None:
        heard = connection.info.get(HEARD)
        if heard is not None and self._is_sqlite:
            self._capture.hush(CursorTransaction(connection))
        self._over(connection)

    def _over(self, connection: Connection) -> None:
        connection.info.pop(HEARD, None)

    def _taken_back(self, connection: Connection, *_: Any) -> None:
        """Forget what was said inside of a savepoint: it is gone with it."""
        heard = connection.info.get(HEARD)
        if heard is not None:
            heard.said = None


def _is_write(context: Any, statement: str) -> bool:
    if context is not None and (context.isinsert or context.isupdate or context.isdelete):
        return True
    return may_write(statement)


def _said() -> tuple[str, str, str]:
    around = current()
    metadata = msgspec.json.encode(around.metadata, order="sorted").decode() if around.metadata else ""
    return around.author, around.message, metadata


class acting:  # noqa: N801 - it is used as a function
    """Set author, message and metadata for what a session writes in a block: `with acting(session, author="ann"):`.

    The session is flushed at the beginning and at the end of the block, so each change has the author of the block that
    made it; the commit may come later. With an `AsyncSession` it is `async with`. For code that has no session at hand,
    `db.context(author=...)` says the same of each statement in its block.
    """

    def __init__(
        self,
        session: Session | AsyncSession,
        *,
        author: str | None = None,
        message: str | None = None,
        correlation: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self._session: Any = session
        self._block: AbstractContextManager[None] = context(
            author=author, message=message, correlation=correlation, **(metadata or {})
        )

    def __enter__(self) -> None:
        flushing = self._session.flush()
        if flushing is not None:  # or all of the block would be written later, by nobody
            flushing.close()
            raise TypeError("an AsyncSession takes async with: async with acting(session, ...)")
        self._block.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._session.flush()
        finally:
            self._block.__exit__(kind, error, trace)

    async def __aenter__(self) -> None:
        flushing = self._session.flush()
        if flushing is None:
            raise TypeError("a Session takes no async with: with acting(session, ...)")
        await flushing
        self._block.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                await self._session.flush()
        finally:
            self._block.__exit__(kind, error, trace)
