"""Commands and facts beside the rows of a transaction."""

from __future__ import annotations

from django.db import connection, transaction
from django.test import TransactionTestCase

from backstory import Refused
from backstory.contrib.django import append, database, drain, execute, revert
from backstory.errors import StoreRefused
from tests.contrib.django.project.cases import savepoint_create
from tests.contrib.django.project.library.lending import Copy, CopyBack, lend_copy, take_back_copy
from tests.contrib.django.project.library.models import Author, Member

TOGETHER = connection.vendor == "postgresql"
"""Whether one transaction holds rows and commits."""


def fresh(copy: str) -> Copy:
    """A copy as the log has it, read outside of any transaction."""
    return database().load(Copy(copy))


class InTransactions(TransactionTestCase):
    def test_a_command_is_in_the_log_when_the_block_has_ended(self) -> None:
        with transaction.atomic():
            Author.objects.create(name="Ada")
            commit = execute(lend_copy(Copy("k-1"), member="ann"), author="desk", message="by hand")
            self.assertEqual(commit is not None, TOGETHER)
        self.assertEqual(fresh("k-1").member, "ann")
        found = next(database().read(Copy("k-1")))
        self.assertEqual((found.author, found.message), ("desk", "by hand"))

    def test_a_block_that_raises_leaves_neither_rows_nor_commits(self) -> None:
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            Author.objects.create(name="Ada")
            execute(lend_copy(Copy("k-2"), member="ann"))
            _ = 1 / 0
        self.assertFalse(Author.objects.exists())
        self.assertEqual(fresh("k-2").member, "")

    def test_a_savepoint_that_is_rolled_back_takes_its_commands_along_and_no_others(self) -> None:
        with transaction.atomic():
            execute(lend_copy(Copy("k-3"), member="ann"))
            with self.assertRaises(ZeroDivisionError), transaction.atomic():
                execute(take_back_copy(Copy("k-3")))
                execute(lend_copy(Copy("k-4"), member="bob"))
                _ = 1 / 0
            with self.assertRaises(Refused), transaction.atomic():
                execute(lend_copy(Copy("k-3"), member="cy"))  # it is ann's again
            execute(lend_copy(Copy("k-5"), member="cy"))
        self.assertEqual([fresh(copy).member for copy in ("k-3", "k-4", "k-5")], ["ann", "", "cy"])

    def test_a_refusal_is_raised_in_the_block_and_rolls_it_back(self) -> None:
        execute(lend_copy(Copy("k-6"), member="ann"))
        with self.assertRaises(Refused), transaction.atomic():
            Author.objects.create(name="Ada")
            execute(lend_copy(Copy("k-6"), member="bob"))
        self.assertFalse(Author.objects.exists())

    def test_a_command_is_decided_on_those_before_it_in_the_block(self) -> None:
        with transaction.atomic():
            execute(lend_copy(Copy("k-7"), member="ann"))
            execute(take_back_copy(Copy("k-7")))
            append(CopyBack("k-8"))
            execute(lend_copy(Copy("k-7"), member="bob"))
        self.assertEqual(fresh("k-7").member, "bob")
        self.assertEqual(len(list(database().read(Copy("k-8")))), 1)

    def test_a_command_with_an_id_is_executed_once(self) -> None:
        for _ in range(2):
            with transaction.atomic():
                execute(lend_copy(Copy("k-9"), member="ann"), id="lend-9")
        self.assertEqual(len(list(database().read(Copy("k-9")))), 1)

    def test_what_the_context_said_in_the_block_is_in_the_commit(self) -> None:
        with transaction.atomic(), database().context(author="eve", message="night shift", desk=3):
            execute(lend_copy(Copy("k-10"), member="ann"))
        record = next(database().read(Copy("k-10")))
        self.assertEqual((record.author, record.message, record.metadata["desk"]), ("eve", "night shift", 3))

    def test_a_follower_of_this_process_hears_of_the_commit(self) -> None:
        with transaction.atomic():
            before = database().head().position
        with transaction.atomic():
            execute(lend_copy(Copy("k-11"), member="ann"))
        self.assertGreater(database().log.wait(before, 10), before)

    def test_outside_of_a_block_it_is_the_verb_of_the_database(self) -> None:
        commit = execute(lend_copy(Copy("k-12"), member="ann"))
        assert commit is not None
        self.assertEqual(database().head().position, commit.position)


class OnPostgreSQL(TransactionTestCase):
    def setUp(self) -> None:
        if not TOGETHER:
            self.skipTest("on SQLite the log is a file of its own")

    def test_the_block_reads_what_it_wrote_and_nobody_else_does(self) -> None:
        outside = database()
        with transaction.atomic():
            database().execute(lend_copy(Copy("p-1"), member="ann"))
            self.assertEqual(database().load(Copy("p-1")).member, "ann")
            self.assertEqual(outside.load(Copy("p-1")).member, "")
        self.assertEqual(outside.load(Copy("p-1")).member, "ann")

    def test_a_manual_savepoint_takes_its_commands_back_too(self) -> None:
        with transaction.atomic():
            db = database()
            db.execute(lend_copy(Copy("p-2"), member="ann"))
            savepoint = savepoint_create()
            db.execute(take_back_copy(Copy("p-2")))
            transaction.savepoint_rollback(savepoint)
            db.execute(lend_copy(Copy("p-3"), member="bob"))
            with self.assertRaises(Refused):
                db.execute(lend_copy(Copy("p-2"), member="bob"))
        self.assertEqual((fresh("p-2").member, fresh("p-3").member), ("ann", "bob"))

    def test_what_would_wait_for_the_block_for_ever_is_refused(self) -> None:
        author = Author.objects.create(name="Ada")
        with transaction.atomic():
            drain()
            with self.assertRaises(ZeroDivisionError), transaction.atomic():
                execute(lend_copy(Copy("p-7"), member="ann"))
                _ = 1 / 0
            drain()
            execute(lend_copy(Copy("p-7"), member="ann"))
            for waits in (drain, lambda: revert("main", author)):
                with self.assertRaisesRegex(StoreRefused, "drain after it"):
                    waits()
        self.assertEqual(fresh("p-7").member, "ann")

    def test_sql_that_follows_a_command_is_warned_of(self) -> None:
        logger = "backstory.stores.postgres.tables"
        with self.assertLogs(logger, "WARNING") as told, transaction.atomic():
            with transaction.atomic():
                execute(lend_copy(Copy("p-5"), member="ann"))
            Member.objects.update(name="late")
        self.assertEqual(len(told.output), 1)
        self.assertIn("SQL follows an append in its transaction", told.output[0])
        self.assertIn('UPDATE "library_member"', told.output[0])
        with self.assertNoLogs(logger, "WARNING"), transaction.atomic():
            Member.objects.update(name="in time")
            execute(lend_copy(Copy("p-6"), member="ann"))

    def test_it_is_over_with_its_block(self) -> None:
        with transaction.atomic():
            db = database()
            db.execute(lend_copy(Copy("p-4"), member="ann"))
        with self.assertRaises(StoreRefused):
            db.execute(take_back_copy(Copy("p-4")))
