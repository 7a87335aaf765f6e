"""Async code, several processes, and children of a process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import connection, connections, transaction
from django.test import TransactionTestCase

from backstory.contrib.django import adatabase, database, drain, execute, row_of
from backstory.contrib.django.testing import HistoryMixin
from tests.contrib.django.project.library.lending import Copy, lend_copy
from tests.contrib.django.project.library.models import Author, Member

WRITER = """
import sys
import django
django.setup()
from django.db import connections
connections["default"].settings_dict["NAME"] = sys.argv[1]
from backstory.contrib.django import drain
from backstory.contrib.django import databases
from tests.contrib.django.project.library.models import Author
for number in range(15):
    Author.objects.create(name=f"{sys.argv[2]} {number}")
    if number % 7 == 0 and sys.argv[3] == "drain":
        drain()
"""


class Together(HistoryMixin, TransactionTestCase):
    def names(self, begin: str) -> list[str]:
        """The names of authors that begin so, in the order of the log."""
        records = database().read("library_author.RowInserted")
        return [name for record in records if (name := record.event.row["name"]).startswith(begin)]

    def test_async_code_reads_the_history_and_executes(self) -> None:
        async def work() -> tuple[str, dict[str, Any] | None]:
            author = await Author.objects.acreate(name="Ada")
            db = await adatabase()
            await db.execute(lend_copy(Copy("a-1"), member="ann"))
            same = await adatabase()
            assert same is db
            return (await db.load(Copy("a-1"))).member, (await db.load(row_of(author))).row

        self.assertEqual(async_to_sync(work)(), ("ann", {"name": "Ada"}))

    def test_what_threads_write_and_drain_at_once_is_in_the_log_once(self) -> None:
        def work(name: str) -> None:
            try:
                for number in range(10):
                    with transaction.atomic():
                        Author.objects.create(name=f"{name} {number}")
                    drain()
            finally:
                connections.close_all()

        threads = [threading.Thread(target=work, args=(f"thread {number}",)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        names = self.names("thread")
        self.assertEqual(len(names), 30)
        self.assertEqual(len(set(names)), 30)

    def test_what_other_processes_write_is_captured_once_whoever_drains(self) -> None:
        # On SQLite the log of a test is in memory, so only this process may drain.
        drains = "drain" if connection.vendor == "postgresql" else "no"
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", WRITER, str(connection.settings_dict["NAME"]), name, drains],
                env=environment,
            )
            for name in ("one", "two")
        ]
        while any(writer.poll() is None for writer in writers):
            drain()
            time.sleep(0.1)
        self.assertEqual([writer.returncode for writer in writers], [0, 0])
        for name in ("one", "two"):  # in the order in which each wrote
            self.assertEqual(self.names(name), [f"{name} {number}" for number in range(15)])

    def test_a_child_of_a_process_that_has_used_the_database_goes_on(self) -> None:
        if connection.vendor != "postgresql":
            self.skipTest("the log of a test is in memory, and a child has its own")
        execute(lend_copy(Copy("f-1"), member="ann"))
        Member.objects.create(name="Ann", email="a@example.org")
        connections.close_all()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                execute(lend_copy(Copy("f-2"), member="bob"))
                Member.objects.update(name="Anna")
                code = 0 if database().load(Copy("f-1")).member == "ann" else 2
            finally:
                connections.close_all()
                os._exit(code)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
        self.assertEqual(database().load(Copy("f-2")).member, "bob")
        row = database().load(row_of(Member.objects.get())).row
        assert row is not None
        self.assertEqual(row["name"], "Anna")

    def test_the_store_of_a_test_run_is_not_that_of_the_project(self) -> None:
        store = settings.BACKSTORY.get("STORE")
        self.assertFalse(store is not None and Path(store).exists())
