"""The connections of one file in this process: one that writes, and as many that read as threads need at once.

SQLite's locks on a file belong to the process. Where anything else in the process closes the file, such as another copy
of SQLite, they are all gone; the next one that closes the file takes itself for its last user and deletes the
write-ahead log, although we go on writing into it. So a file is opened once in a process, and after each statement it
is checked that the file and its log are still the ones that were opened. If they are not, every connection is closed,
the file is opened anew, and the statement is made again.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import apsw

from backstory.errors import HistoryLost, StoreError, StoreRefused
from backstory.stores.inside import INSIDE
from backstory.stores.rows import Row
from backstory.stores.sqlite.connecting import (
    Inode,
    Wait,
    check_ours,
    close,
    connected,
    inode_of,
    roll_back,
    turn_to_log,
    waiting,
)
from backstory.stores.sqlite.turn import Turn

T = TypeVar("T")
Work = Callable[[apsw.Connection, bool], T]
"""Work in a transaction. It is told whether it was done before and perhaps kept."""

MOST_IDLE = 16
"""Reading connections that are kept open for the next thread."""

LOG_PAGES = 1_000
"""Pages in the write-ahead log from which on it is folded into the file; SQLite's own default."""

PATIENCE = 1.0
"""Seconds that a statement of another thread may take before it is interrupted, where every connection must close."""

LONGEST = 10.0
"""Seconds after which a thread that does not let go of its connection is waited for no longer."""

TRIES = 5
"""How often a statement is made again before the deletion of the write-ahead log is reported."""

Place = tuple[Inode, Inode]
"""The paths of the file and its write-ahead log."""


class _Use:
    """A thread that reads: its connection, and the place that the file had when it began."""

    __slots__ = ("connection", "place", "thread")

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.connection: apsw.Connection | None = None
        self.place: Place | None = None


class Connections:
    """The connections of one file. They are opened when they are needed. Raises SQLite's own errors."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.inode = (0, 0)
        self._log_path = path + "-wal"
        self._patience = 30.0
        self._log_pages = 0
        self._turn = Turn()
        self._wait = self._waiting()  # of the one that writes
        self._place: Place | None = None  # None: closed, until somebody needs the file again
        self._pid = os.getpid()
        self._writer: apsw.Connection | None = None
        self._idle: deque[apsw.Connection] = deque()
        self._uses: set[_Use] = set()
        self._of_parent: list[Any] = []
        self._holder: int | None = None  # the thread that is inside of a transaction
        self._begin()

    def _begin(self) -> None:
        self._writing = threading.RLock()
        self._gate = threading.RLock()  # taken after `_writing`; its holder opens or closes the file

    def fetch(self, sql: str, arguments: Sequence[Any] = (), *, sure: bool = False) -> list[Row]:
        """All rows of a query, over a connection that no other thread uses meanwhile.

        `sure`: none of it is in a write-ahead log that is being deleted, so that the commit will be made again.
        """
        for _ in range(TRIES):
            use = _Use()
            try:
                rows = self._borrow(use).execute(sql, arguments).fetchall()
            except apsw.InterruptError:
                continue
            except Exception:
                if self._in(use.place):
                    raise
            else:
                if sure:
                    self._turn.keep_file(self._waiting())
                if self._in(use.place):
                    return rows
            finally:
                try:
                    self._give_back(use)
                finally:
                    self._uses.discard(use)  # also where Ctrl-C came first
            self._open_anew(use.place)
        raise StoreError(_DELETED.format(self.path))

    @contextmanager
    def lent(self) -> Iterator[apsw.Connection]:
        """A reading connection, for as long as the block lasts."""
        use = _Use()
        try:
            yield self._borrow(use)
            if not self._in(use.place):
                raise StoreError(f"{self.path}: the file was replaced while it was read; try again")
        finally:
            self._give_back(use)

    def _borrow(self, use: _Use) -> apsw.Connection:
        while True:
            self._uses.add(use)
            use.place = self._place
            if use.place is not None and self._pid == os.getpid():
                break
            self._uses.discard(use)
            with self._gate:
                self._be_open()
        try:
            use.connection = self._idle.pop()
        except IndexError:
            use.connection = connected(self.path, self._waiting)
        return use.connection

    def _give_back(self, use: _Use) -> None:
        connection = use.connection
        if connection is not None and use in self._uses:
            if use.place is self._place and len(self._idle) < MOST_IDLE:
                self._idle.append(connection)
            else:
                close(connection, fold=use.place is self._place)
        self._uses.discard(use)

    def write(self, work: Work[T], patience: float) -> T:
        """Do a piece of work in a transaction that is durable when this returns, or never was.

        `patience` is how many seconds it waits for another process's. The work is done again where the write-ahead log
        was not in its place afterwards: nobody else would ever see its rows, or they were kept in the last moment.
        """
        self.check_outside()
        for attempt in range(TRIES):
            with self._writing:
                if self._place is None or self._pid != os.getpid():
                    with self._gate:
                        self._be_open()
                place, writer = self._place, self._writer
                assert writer is not None
                self._patience = patience
                try:
                    result = self._transact(writer, work, attempt > 0)
                except Exception:
                    if self._kept(place):
                        raise
                else:
                    if self._kept(place):
                        self._fold_log(writer)
                        return result
                finally:
                    try:  # here, and not in a function: Ctrl-C may come as a function begins
                        self._turn.give()
                    except KeyboardInterrupt:
                        self._turn.give()
                        raise
            self._open_anew(place)
        raise StoreError(_DELETED.format(self.path))

    def _transact(self, writer: apsw.Connection, work: Work[T], again: bool) -> T:
        """Do the work in a transaction of its own. Raises the errors of the work, and then nothing of it is kept."""
        self._begin_transaction(writer)
        try:
            self._holder = threading.get_ident()
            result = work(writer, again)
            writer.execute("COMMIT")
        except BaseException:
            roll_back(writer)
            raise
        finally:
            self._holder = None
        return result

    def check_outside(self) -> None:
        """Raise `StoreRefused` where this thread is inside of a transaction, which its write would wait for."""
        if self._holder == threading.get_ident():
            raise StoreRefused(f"{self.path}: {INSIDE}")

    def _begin_transaction(self, writer: apsw.Connection) -> None:
        roll_back(writer)  # an interrupt that came between may have left a transaction
        if not self._turn.take(self._wait):
            raise apsw.BusyError("another process writes")
        writer.execute("BEGIN IMMEDIATE")

    @contextmanager
    def transaction(self, patience: float) -> Iterator[apsw.Connection]:
        """The writing connection in a transaction that ends with the block; the block cannot be done again.

        Raises `StoreError` if nobody can know whether it was kept.
        """
        self.check_outside()
        with self._writing:
            if self._place is None or self._pid != os.getpid():
                with self._gate:
                    self._be_open()
            place, writer = self._place, self._writer
            assert writer is not None
            self._patience = patience
            try:
                self._begin_transaction(writer)
                try:
                    self._holder = threading.get_ident()
                    yield writer
                    writer.execute("COMMIT")
                finally:
                    self._holder = None
                    roll_back(writer)
                kept = self._kept(place)
                if kept:
                    self._fold_log(writer)
            finally:
                try:
                    self._turn.give()
                except KeyboardInterrupt:
                    self._turn.give()
                    raise
        if not kept:
            self._open_anew(place)
            raise StoreError(
                f"{self.path}: something replaced the file, or deleted its write-ahead log, while it was written;"
                " nobody can say whether the transaction was kept"
            )

    def _kept(self, place: Place | None) -> bool:
        """Whether the rows that were written at this place are there for good."""
        return self._turn.keep_file(self._wait) and self._look() == place

    def _fold_log(self, writer: apsw.Connection) -> None:
        """Fold the write-ahead log into the file where it has grown.

        SQLite would do it inside of the commit. From a log that is not in its place, old pages would come into the
        file.
        """
        if self._log_pages >= LOG_PAGES:
            self._log_pages = 0
            with suppress(apsw.Error):  # the next commit tries again
                writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)

    def _in(self, place: Place | None) -> bool:
        """Whether the write-ahead log, which goes with its file, is still the one that was opened at this place."""
        return place is None or inode_of(self._log_path) == place[1]

    def _look(self) -> Place:
        return inode_of(self.path), inode_of(self._log_path)

    def begin(self, *, create: bool, patience: float) -> None:
        """Open the file now. Raises `NotAStore` for one that is something else."""
        with self._writing, self._gate:
            self._patience = patience
            self._be_open(create=create)

    def _be_open(self, *, create: bool = False) -> None:
        """Open the file, unless it is open. The caller holds the gate."""
        if self._pid != os.getpid():  # forked by code in C that tells nobody
            self._leave_to_parent()
        if self._place is not None:
            return
        if self.inode not in ((0, 0), inode_of(self.path)):
            raise HistoryLost(
                f"{self.path} was deleted, or replaced by another file, while it was open here; open the store again"
            )
        writer = connected(self.path, self._waiting, create=create)
        try:
            check_ours(self.path, writer)
            turn_to_log(self.path, writer, self._waiting())
            place = self._look()
            for _ in range(TRIES):
                writer.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # opens the log
                before, place = place, self._look()
                if before == place:
                    break
            writer.set_wal_hook(self._note_pages)
            self._turn.open(self.path)
        except BaseException:
            writer.close()
            raise
        self._writer, self._place, self.inode = writer, place, place[0]

    def _waiting(self) -> Wait:
        return waiting(lambda: self._patience)

    def _note_pages(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self._log_pages = pages
        return apsw.SQLITE_OK

    def _open_anew(self, place: Place | None) -> None:
        """Close the connections that were opened at this place, so that the next call opens the file anew."""
        with self._writing, self._gate:
            if self._place == place:
                self._close_all()

    def close(self) -> None:
        """Close every connection; the last one to leave folds the write-ahead log into the file."""
        with self._writing, self._gate:
            self._close_all()

    def let_go(self) -> None:
        """Close every connection, and let nobody open one until the fork is over."""
        self._writing.acquire()
        self._gate.acquire()
        self._close_all()

    def go_on(self) -> None:
        """Let the next call in the parent open the file again."""
        release(self._gate)
        release(self._writing)

    def leave_to_parent(self) -> None:
        """Begin anew in a child."""
        self._begin()
        self._leave_to_parent()

    def _close_all(self) -> None:
        """Close every connection, those at work too. The caller holds the gate, and the right to write."""
        place, self._place = self._place, None  # from here on, nobody borrows
        interrupted = self._wait_for_readers()
        # Where another process writes just now, it is the one that will fold the log.
        fold = self._turn.take(lambda _: False) and (place is None or self._look() == place)
        for connection in (*interrupted, *self._idle, *([self._writer] if self._writer else [])):
            close(connection, fold=fold)
        self._turn.close()
        self._idle.clear()
        self._writer = None
        self._log_pages = 0

    def _wait_for_readers(self) -> list[apsw.Connection]:
        """Wait until no other thread reads; give the connections that this thread is in the middle of reading from."""
        own = [use for use in list(self._uses) if use.thread == threading.get_ident()]
        self._uses.difference_update(own)
        began = time.monotonic()
        while self._uses and (waited := time.monotonic() - began) < LONGEST:
            time.sleep(0.0005)
            alive = sys._current_frames()
            for use in list(self._uses):
                if use.thread not in alive:
                    self._uses.discard(use)
                elif waited > PATIENCE and use.connection is not None:
                    use.connection.interrupt()
        return [use.connection for use in own if use.connection is not None]

    def _leave_to_parent(self) -> None:
        """Keep the connections that a fork left open, and never use or close them: they are the parent's."""
        self._of_parent += [self._writer, self._idle, self._uses]
        self._turn, self._holder = Turn(), None
        self._writer, self._idle, self._uses = None, deque(), set()
        self._place, self._pid = None, os.getpid()


_DELETED = (
    "{}: something replaces the file, or deletes its write-ahead log, while it is in use; nothing was kept"
)


def release(lock: threading.RLock) -> None:
    """Give back a lock that this thread has, however often it has taken it, or not at all."""
    with suppress(RuntimeError):
        while True:
            lock.release()
