"""Tests of a Django project with a history: a log of each test's own, and what a block of code brought to it.

    class Lending(HistoryMixin, TestCase):
        def test_a_copy_that_is_lent_is_not_lent_again(self) -> None:
            self.given(CopyLent("k-1", "ann"))
            with self.when() as then:
                self.client.post("/copies/k-1/lend", {"member": "bob"})
            self.assertEqual(then.events, [])

The transaction around a `TestCase` is never committed. So what triggers captured, and commands that wait for the commit
of a block, are brought to the log when the test asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from backstory.contrib.django.access import database
from backstory.contrib.django.conf import configured
from backstory.contrib.django.databases import MEMORY, address, close, connection_of, in_transaction
from backstory.contrib.django.draining import drain
from backstory.contrib.django.writing import Waiting

if TYPE_CHECKING:
    from backstory.database import Database
    from backstory.store import Record
    from backstory.values.commit import Commit


class Then:
    """The gain of a block of code to the log: `events`, with their `records` and `commits`."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    @property
    def events(self) -> list[Any]:
        """The events, in their order: those of commands, and of rows."""
        return [record.event for record in self.records]

    @property
    def commits(self) -> list[Commit]:
        """Their commits, each once."""
        return list({record.commit.id: record.commit for record in self.records}.values())


class HistoryMixin:
    """Goes before `TestCase` or `TransactionTestCase`.

    Where the log is a file of its own, each test begins with an empty one, in memory. On PostgreSQL the log is in the
    test's database, and goes back with it.
    """

    def setUp(self) -> None:
        """Begin with a log of the test's own; that of a test in a transaction goes with the transaction."""
        if address() == MEMORY and not connection_of(configured()).in_atomic_block:
            drain()  # what is left of another test belongs to its log
            close()
        super().setUp()  # type: ignore[misc]

    @property
    def history(self) -> Database:
        """The database, with all that was written in this test until now."""
        connection = connection_of(configured())
        if not in_transaction(connection):
            waiting = [func for _, func, *_ in connection.run_on_commit if isinstance(func, Waiting)]
            connection.run_on_commit = [
                each for each in connection.run_on_commit if not isinstance(each[1], Waiting)
            ]
            for each in waiting:
                each()
        return database()

    def given(self, *events: Any, **said: Any) -> None:
        """Let these facts have happened."""
        self.history.append(*events, **said)

    @contextmanager
    def when(self) -> Iterator[Then]:
        """Note what a block of code brings to the log."""
        then = Then()
        before = self.history.head().position
        yield then
        then.records = list(self.history.read(after=before))
