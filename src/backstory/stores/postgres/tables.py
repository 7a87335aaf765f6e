"""Tables in the database of a store, and transactions of it that somebody else began."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Self

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row
from psycopg.types.string import BytesBinaryDumper

from backstory.errors import StoreRefused
from backstory.stores.inside import INSIDE, OVER
from backstory.stores.postgres.address import Address
from backstory.stores.postgres.server import Server
from backstory.stores.postgres.session import Lent, Session
from backstory.tables import Row

WORDS = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | \$(\w*)\$.*?\$\1\$ | \?\? | \? | %""",
    re.DOTALL | re.VERBOSE,
)
"""Text, names and comments, in which a question mark has no meaning; and the marks that stand for arguments."""

logger = logging.getLogger(__name__)

SNAPSHOT = b"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"

PLACE = """
SELECT pg_postmaster_start_time(), (SELECT oid FROM pg_database WHERE datname = current_database()),
    to_regclass('{schema}.meta')::oid
"""
"""A value that two connections to the same store have in common."""


@lru_cache(maxsize=1_000)
def placed(sql: str) -> bytes:
    """SQL with `?` for its arguments, as psycopg takes it."""
    return WORDS.sub(_placed, sql).encode()


def _placed(found: re.Match[str]) -> str:
    return {"?": "%s", "??": "?"}.get(found[0], found[0].replace("%", "%%"))


class PostgresTransaction:
    """A transaction that a session is in; see `backstory.tables.Transaction`.

    `server` is that of the store whose logs may be written in it.
    """

    dialect = "postgresql"

    def __init__(self, session: Session, server: Server | None = None) -> None:
        self.session = session
        self.server = server
        self.ended = False
        self.wrote = False
        """Whether a log was written in it."""
        self._cursor = psycopg.Cursor(session.small.connection, row_factory=tuple_row)
        self._cursor.adapters.register_dumper(bytes, BytesBinaryDumper)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.ended = True

    def followed(self, statement: str) -> None:
        """Warn of a statement of the transaction's owner, if a log was written before: all who append wait for it."""
        if self.wrote and not self.ended:
            logger.warning(
                "SQL follows an append in its transaction, so all others who append to this log wait for it: %s",
                statement.strip().partition("\n")[0][:100],
            )

    def _check_lasts(self) -> None:
        if self.ended:
            raise StoreRefused(OVER)

    def execute(self, sql: str, arguments: Sequence[Any] = ()) -> None:
        """Run a statement."""
        self._check_lasts()
        self._cursor.execute(placed(sql), arguments)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each of these rows, in few round trips."""
        self._check_lasts()
        self._cursor.executemany(placed(sql), rows)

    def together(self) -> AbstractContextManager[Any]:
        """Send the statements of a block without waiting for each; an error may be raised at a later one."""
        return self.session.small.connection.pipeline()

    def rows(self, sql: str, arguments: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query."""
        self._check_lasts()
        return self._cursor.execute(placed(sql), arguments).fetchall()


_begun: ContextVar[tuple[tuple[Address, PostgresTransaction], ...]] = ContextVar("begun", default=())
"""The transactions that the code which runs now is inside of; not by thread, because a block may end on another one."""


@contextmanager
def inside(address: Address, transaction: PostgresTransaction) -> Iterator[None]:
    """Know for the length of a block that it is inside of a transaction."""
    around = _begun.get()
    _begun.set((*around, (address, transaction)))
    try:
        yield
    finally:
        _begun.set(around)


class PostgresTables:
    """The tables of the database that a store is in. A transaction is not tried again: its owner may do that."""

    def __init__(self, server: Server) -> None:
        self._server = server

    @property
    def schema(self) -> str:
        """The schema of the store."""
        return self._server.address.schema

    @contextmanager
    def transaction(self) -> Iterator[PostgresTransaction]:
        """A transaction in READ COMMITTED, for the length of a block; see `Tables.transaction`."""
        self.check_outside()
        with (
            self._server.lent() as connection,
            connection.transaction(),
            PostgresTransaction(connection, self._server) as transaction,
            inside(self._server.address, transaction),
        ):
            yield transaction

    def check_outside(self) -> None:
        """Raise `StoreRefused` inside of a transaction: a write over another connection would wait for its locks."""
        address = self._server.address
        if any(begun == address and not transaction.ended for begun, transaction in _begun.get()):
            raise StoreRefused(f"{address.shown}: {INSIDE}")

    @contextmanager
    def reading(self) -> Iterator[PostgresTransaction]:
        """One snapshot for the length of a block; see `Tables.reading`."""
        with self._server.lent() as connection, connection.transaction():
            connection.execute(SNAPSHOT)
            with PostgresTransaction(connection) as transaction:
                yield transaction


def join(connection: Any, server: Server) -> PostgresTransaction:
    """The transaction that a connection of somebody else's is in; see `Store.join`. Raises `StoreRefused`."""
    shown = server.address.shown
    found = _unwrapped(connection)
    if not isinstance(found, psycopg.Connection):
        kind = f"{type(found).__module__}.{type(found).__qualname__}"
        raise StoreRefused(f"{shown}: only a connection of psycopg 3 can be joined, and this one is a {kind}")
    status = found.info.transaction_status
    begins = status == TransactionStatus.IDLE and not found.autocommit  # its first statement begins one
    if status != TransactionStatus.INTRANS and not begins:
        raise StoreRefused(f"{shown}: this connection is in no transaction that can go on; begin one")
    if found.info.encoding != "utf-8":
        raise StoreRefused(
            f"{shown}: a connection that is joined has the encoding UTF8, not {found.info.encoding}"
        )
    transaction = PostgresTransaction(Lent(found), server)
    place = PLACE.format(schema=server.address.schema)
    if transaction.rows(place) != server.fetch(place):
        raise StoreRefused(f"{shown}: this connection leads to another database")
    return transaction


def _unwrapped(connection: Any) -> Any:
    """The driver's connection, out of one of SQLAlchemy's (`driver_connection`) or of Django's (`connection`)."""
    while not isinstance(connection, psycopg.Connection):
        for name in ("driver_connection", "connection"):
            if (inner := getattr(connection, name, None)) is not None and not callable(inner):
                connection = inner
                break
        else:
            break
    return connection
