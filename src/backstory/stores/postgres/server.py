"""Connections to a PostgreSQL server: lent for one call each, and calls tried again where that may help."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from math import ceil
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

from backstory.errors import HistoryLost, StoreClosed, StoreError, StoreLocked
from backstory.forks import on_fork
from backstory.stores.postgres.address import Address, likely
from backstory.stores.postgres.failures import FEW, may_pass, named
from backstory.stores.postgres.session import Arguments
from backstory.stores.postgres.wire import BytesDumper

T = TypeVar("T")
Row = tuple[Any, ...]


TRIES = 3
"""How often `FEW` are tried."""

TURN = 30.0
"""Seconds, at least, for which a call waits for its turn when all connections are in use."""

SLICE = 0.5
"""Seconds of that wait at a time: while the whole machine stands still, nobody gives a turn back."""

OPENING = 3.0
"""Seconds for which opening a store tries again: not long, because the address may be wrong."""

DEFAULTS: dict[str, Any] = {
    "fallback_application_name": "backstory",
    "connect_timeout": 10,
    "tcp_user_timeout": 30_000,  # ms, or a server that vanished without a word would be waited for far longer
}


def _is_idle(connection: Connection) -> bool:
    return connection.info.transaction_status == TransactionStatus.IDLE


_of_parents: list[Any] = []
"""Connections that a fork gave to a child. They are the parent's: closing one here would end it there."""


class Connection(psycopg.Connection[Row]):
    """A connection with a cursor that stays, for answers that are small: making one costs a quarter of a round trip."""

    small: psycopg.Cursor[Row]
    """See `Session`."""


def _given(address: Address) -> dict[str, Any]:
    """The settings of the address that replace our defaults, and the required encoding. Raises `StoreError`."""
    try:
        said = conninfo_to_dict(address.conninfo)
    except psycopg.Error as error:
        # libpq quotes the part that it does not understand: perhaps a password.
        found = named(address.shown, error)
        meant = likely(address.conninfo)
        raise (StoreError(f"{found}; {meant}") if meant else found) from None
    return {name: said[name] for name in DEFAULTS if name in said} | {"client_encoding": "utf8"}


class Server:
    """A place to run calls: opens connections when they are needed, keeps them, and has no thread of its own.

    `commits_read`: a statement alone runs in READ COMMITTED here. Where the database has another default, a write says
    so in a transaction of three statements. `prepares`: new connections prepare their statements. `checks`: each new
    connection must pass them, because another server may answer than the last time.
    """

    ahead = True

    def __init__(self, address: Address) -> None:
        self.address = address
        self.closed = False
        self.commits_read = False
        self.patience = min(OPENING, address.timeout)
        self.prepares = address.prepare is not False
        self.checks: list[Callable[[Connection], None]] = []
        self._lost = ""  # the commit that was lost, in words
        self._given = _given(address)
        self._begin()
        on_fork(child=self._leave_to_parent)

    def _begin(self) -> None:
        self._idle: deque[Connection] = deque()
        pool = self.address.pool
        self._free = self._turns(pool)
        self._lendable = self._turns(max(1, pool - 1))

    @staticmethod
    def _turns(count: int) -> SimpleQueue[None]:
        """A queue that is as long as there are turns left."""
        turns: SimpleQueue[None] = SimpleQueue()
        for _ in range(count):
            turns.put(None)
        return turns

    def _leave_to_parent(self) -> None:
        _of_parents.append(self._idle)
        self._begin()

    def run(self, work: Callable[[Connection], T], *, reads: bool = False) -> T:
        """Do a piece of work over a connection that no other thread uses meanwhile.

        It must be harmless to do twice: it is done again when the server goes away, for as long as the address allows.
        `reads`: it writes nothing. Raises `StoreError`.
        """
        until = time.monotonic() + self.patience
        pause, few = 0.02, 0
        while True:
            try:
                return self._once(work, until)
            except psycopg.Error as error:
                few += error.sqlstate in FEW
                left = until - time.monotonic()
                if not may_pass(error) or left <= 0 or few == TRIES:
                    raise named(self.address.shown, error, reads=reads) from error
            time.sleep(min(pause * random.uniform(0.5, 1.5), left))  # noqa: S311 - so that many do not come at once
            pause = min(pause * 2, 1.0)

    def _once(self, work: Callable[[Connection], T], until: float) -> T:
        # All in one frame: Ctrl-C that comes while a context is left would lose the turn.
        turn: list[None] = []
        try:
            connection = self._borrow(turn, until)
            try:
                result = work(connection)
            except BaseException as error:
                self._take_back(connection, error)
                raise
            self._keep(connection)
        finally:
            if turn:
                self._free.put(None)
        return result

    @contextmanager
    def lent(self) -> Iterator[Connection]:
        """A connection for the length of a block, which no other thread uses meanwhile. Nothing is tried again.

        All but one are lent at most. The last one is for calls: a block makes some while others wait for its locks, and
        if they had all connections, no block would ever end.
        """
        lent: list[None] = []
        turn: list[None] = []
        try:
            self._wait_for(self._lendable, lent, 0.0)
            connection = self._borrow(turn, 0.0)
            try:
                yield connection
            except BaseException as error:
                self._take_back(connection, error)
                raise
            self._keep(connection)
        finally:
            if turn:
                self._free.put(None)
            if lent:
                self._lendable.put(None)

    def _borrow(self, turn: list[None], until: float) -> Connection:
        self._check_open()
        self._wait_for(self._free, turn, until)
        return self._connect()

    def _wait_for(self, turns: SimpleQueue[None], turn: list[None], until: float) -> None:
        for _ in range(ceil(max(until - time.monotonic(), TURN) / SLICE)):
            with suppress(Empty):
                # One call into C takes the turn and keeps it: between two Ctrl-C could come, and the turn be lost.
                turn.extend(map(turns.get, [True], [SLICE]))
                return
        raise StoreLocked(f"{self.address.shown}: all {self.address.pool} connections are in use")

    def _take_back(self, connection: Connection, error: BaseException) -> None:
        if isinstance(error, Exception) and not isinstance(error, psycopg.Error) and _is_idle(connection):
            self._keep(connection)  # the database has nothing to do with it
            return
        connection.close()  # its state is not known
        if isinstance(error, psycopg.Error) and may_pass(error):
            self._drop_idle()  # they lead to the same server, which went away, or takes no writes any more

    def _keep(self, connection: Connection) -> None:
        if self.closed:
            connection.close()
        else:
            self._idle.append(connection)

    def _connect(self) -> Connection:
        with suppress(IndexError):
            return self._idle.pop()
        connection = Connection.connect(self.address.conninfo, autocommit=True, **DEFAULTS | self._given)
        connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        connection.adapters.register_dumper(bytes, BytesDumper)
        connection.prepare_threshold = 2 if self.prepares else None
        connection.small = connection.cursor(binary=True)
        try:
            for check in list(self.checks):
                check(connection)
        except BaseException as error:
            connection.close()
            if isinstance(error, HistoryLost):
                self._lost = str(error)
            raise
        return connection

    def fetch(self, sql: str, arguments: Arguments = ()) -> list[Row]:
        """All rows of a query."""

        def work(connection: Connection) -> list[Row]:
            return connection.execute(sql.encode(), arguments, binary=True).fetchall()

        return self.run(work, reads=True)

    def look(self, sql: str, arguments: Arguments = ()) -> list[Row]:
        """All rows of a query that gives few."""
        return self.run(
            lambda connection: connection.small.execute(sql.encode(), arguments).fetchall(), reads=True
        )

    def pool_elsewhere(self) -> None:
        """Prepare no statements: a pooler gives each transaction another session, and would mix them up."""
        self.prepares = False
        self._drop_idle()

    def _check_open(self) -> None:
        if self.closed:
            raise StoreClosed(f"{self.address.shown} is closed here")
        if self._lost:
            raise HistoryLost(self._lost)

    def close(self) -> None:
        """Close every connection."""
        self.closed = True
        self._drop_idle()

    def _drop_idle(self) -> None:
        while self._idle:
            with suppress(IndexError):
                self._idle.pop().close()

    def __repr__(self) -> str:
        return f"Server({self.address.shown!r})"
