"""The logs of a test run, where the log is no part of the database: each test has one of its own, in memory.

Django takes back what a `TestCase` wrote, rows and outbox alike. So the log that has these rows goes, too, with the
transaction around the test. The log of each test begins with rows that were there before: those of migrations and of
the class (`setUpTestData`).
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from backstory.forks import on_fork
from backstory.transfer.clone import clone

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.backends.base.base import BaseDatabaseWrapper

    from backstory.database import Database


class _Log(NamedTuple):
    connection: BaseDatabaseWrapper
    block: Any
    database: Database

    @property
    def is_over(self) -> bool:
        """Whether the transaction of its test has ended."""
        blocks = getattr(self.connection, "atomic_blocks", [])
        return self.block is not None and not any(block is self.block for block in blocks)


_logs: list[_Log] = []
"""Those of the transactions of tests that are open, each within the one before it; the first may be of none."""

_lock = Lock()


def _begin() -> None:
    """Begin anew in a child: another thread may have held the lock when its parent forked."""
    global _lock  # noqa: PLW0603 - there is one list of logs in a process
    _lock = Lock()


on_fork(child=_begin)


def log_of_test(connection: BaseDatabaseWrapper, open: Callable[[], Database]) -> Database:
    """The database of the test that runs now. A thread without a transaction of a test has that of the others."""
    blocks = [block for block in getattr(connection, "atomic_blocks", []) if block._from_testcase]
    block = blocks[-1] if blocks else None
    with _lock:
        last = _last()
        if last is not None and block in (None, last.block):
            return last.database
        made = open()
        if last is not None:
            clone(last.database.store, made.store)
        _logs.append(_Log(connection, block, made))
        return made


def _last() -> _Log | None:
    """The log of the innermost transaction that is open; those whose transaction has ended are dropped."""
    while _logs and _logs[-1].is_over:
        _logs.pop()
    return _logs[-1] if _logs else None


def forget_logs() -> None:
    """Let the next one who asks get an empty log."""
    with _lock:
        _logs.clear()
