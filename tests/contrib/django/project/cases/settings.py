"""What `manage.py check` says, commands of `manage.py`, and models that are recorded by a call."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any
from unittest import SkipTest, mock
from unittest.mock import Mock

from django.conf import settings
from django.contrib.auth.models import Group
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection
from django.test import TestCase, TransactionTestCase, override_settings

from backstory import Refused, RowInserted, connect
from backstory.capture import Capture
from backstory.contrib.django import database, execute, is_recorded, recorded, recording, row_of, running
from backstory.contrib.django.capturing import install, present, tx_of
from backstory.contrib.django.conf import configured
from backstory.contrib.django.databases import address
from backstory.contrib.django.testing import HistoryMixin
from tests.contrib.django.project.library.lending import Copy, CopyLent, lend_copy
from tests.contrib.django.project.library.models import Author, Member

COMMAND = "backstory.contrib.django.management.commands.backstory"


def said(**given: Any) -> list[str | None]:
    """The ids of what the checks say under these settings of Backstory."""
    with override_settings(BACKSTORY={**settings.BACKSTORY, **given}):
        return [each.id for each in checks.run_checks(tags=["backstory"])]


class Elsewhere:
    """A router."""

    def db_for_write(self, model: Any, **_: Any) -> str | None:
        """The database of members."""
        return "members" if model is Member else None


class Checks(TestCase):
    def test_a_project_that_is_set_up_well_hears_nothing(self) -> None:
        self.assertEqual(said(), [])

    def test_a_setting_that_is_not_there_is_told_with_what_may_be_meant(self) -> None:
        self.assertEqual(said(RECORDED=["library"]), ["backstory.E001"])
        with (
            override_settings(BACKSTORY={"RECORDED": []}),
            self.assertRaisesMessage(ImproperlyConfigured, "RECORD"),
        ):
            configured()
        for wrong in (
            {"DRAIN": "often"},
            *({"RECORD": "library"}, {"RECORD": ["nowhere"]}, {"RECORD": None}, {"RECORD": True}),
            {"OPTIONS": 7},
        ):
            self.assertEqual(said(**wrong), ["backstory.E001"], wrong)

    def test_a_router_that_sends_a_recorded_model_elsewhere(self) -> None:
        with override_settings(DATABASE_ROUTERS=[Elsewhere()]):
            told = checks.run_checks(tags=["backstory"])
        self.assertEqual([each.id for each in told], ["backstory.W006"])
        self.assertIn("library.Member: written to another database", told[0].msg)

    def test_a_database_that_is_not_there(self) -> None:
        self.assertEqual(said(DATABASE="other"), ["backstory.E002"])

    def test_the_file_of_the_log_is_missing_or_is_that_of_the_database(self) -> None:
        if connection.vendor == "sqlite":
            self.assertEqual(said(STORE=None), ["backstory.E004"])
            name = Path(str(connection.settings_dict["NAME"]))
            self.assertEqual(said(STORE=name), ["backstory.E005"])
        self.assertEqual(said(STORE="postgresql://elsewhere/log"), [])

    def test_the_middleware_is_missing_or_stands_too_early(self) -> None:
        middleware = list(settings.MIDDLEWARE)
        with override_settings(MIDDLEWARE=middleware[:-1]):
            self.assertEqual(said(), ["backstory.W001"])
        with override_settings(MIDDLEWARE=[middleware[-1], *middleware[:-1]]):
            self.assertEqual(said(), ["backstory.W002"])

    def test_a_model_cannot_leave_out_a_field_that_it_does_not_have(self) -> None:
        with self.recording(Group, exclude=["nmae"]):
            self.assertIn("backstory.E007", said())

    def test_triggers_that_do_not_fit_are_told_and_migrate_mends_them(self) -> None:
        def told() -> list[str | None]:
            return [each.id for each in checks.run_checks(databases=["default"])]

        self.assertEqual(told(), [])
        author = [one for one in present(connection) if one.table == "library_author"]
        Capture(author).remove(tx_of(connection))
        self.assertEqual(told(), ["backstory.W004"])
        self.assertEqual(install(connection), ["library_author"])
        self.assertEqual(told(), [])

    @contextlib.contextmanager
    def recording(self, model: Any, **how: Any) -> Any:
        """Record one more model for the length of a block."""
        recorded(model, **how)
        try:
            yield
        finally:
            del recording._declared[model]


class Calls(HistoryMixin, TestCase):
    def test_a_model_of_another_app_is_recorded_by_a_call(self) -> None:
        self.assertFalse(is_recorded(Group))
        recorded(Group, name="teams")
        try:
            self.assertIn("auth_group", install(connection))
            with self.when() as then:
                team = Group.objects.create(name="desk")
            self.assertEqual([type(event).__mro__[1] for event in then.events], [RowInserted])
            self.assertEqual(self.history.table("teams")[str(team.pk)], {"name": "desk"})
        finally:
            Capture([one for one in present(connection) if one.history == "teams"]).remove(tx_of(connection))
            del recording._declared[Group]


class TheCommand(TestCase):
    def test_a_verb_it_does_not_have_is_told(self) -> None:
        error = io.StringIO()
        with contextlib.redirect_stderr(error), self.assertRaises(SystemExit):
            call_command("backstory", "blmae")
        self.assertIn("blame", error.getvalue())

    def test_drain_and_adopt_have_a_help(self) -> None:
        out = io.StringIO()
        call_command("backstory", "drain", "--help", stdout=out)
        self.assertIn("--follow", out.getvalue())
        with mock.patch(f"{COMMAND}.adopt") as adopted:
            call_command("backstory", "adopt", "--help", stdout=out)
            with self.assertRaises(SystemExit) as stopped:
                call_command("backstory", "adopt", "--force", stdout=out)
        self.assertEqual((out.getvalue().count("backstory adopt"), stopped.exception.code), (2, 2))
        adopted.assert_not_called()

    def test_the_help_has_what_this_project_has_beside_the_verbs_and_needs_no_history(self) -> None:
        out, usual = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(usual), mock.patch(f"{COMMAND}.drain") as drained:
            call_command("backstory", "help", stdout=out)
            call_command("backstory", "help", "log", stdout=out)
        self.assertIn("bisect", usual.getvalue())
        self.assertEqual(out.getvalue().count("adopt "), 1)
        drained.assert_not_called()

    def test_drain_that_is_stopped_by_a_key_ends_quietly(self) -> None:
        with (
            mock.patch("time.sleep", side_effect=KeyboardInterrupt),
            self.assertRaises(SystemExit) as stopped,
        ):
            call_command("backstory", "drain", "--follow")
        self.assertEqual(stopped.exception.code, 130)


class TheMixin(HistoryMixin, TestCase):
    def test_commands_of_a_block_are_in_the_history_although_the_test_never_commits(self) -> None:
        from django.db import transaction

        self.given(CopyLent("m-1", "ann"))
        with self.when() as then, transaction.atomic():
            Author.objects.create(name="Ada")
            execute(lend_copy(Copy("m-2"), member="bob"), author="desk")
        self.assertIn(CopyLent("m-2", "bob"), then.events)
        self.assertIn("desk", [commit.author for commit in then.commits])
        with self.assertRaises(Refused), transaction.atomic():
            execute(lend_copy(Copy("m-1"), member="cy"))

    def test_another_test_left_nothing_in_the_log_in_memory(self) -> None:
        if address() == "memory:":
            self.assertEqual(self.history.head().position, 0)


class WithoutTheMixin(TestCase):
    author: Author

    @classmethod
    def setUpTestData(cls) -> None:
        cls.author = Author.objects.create(name="Ada")

    def changes(self) -> list[str]:
        return [record.type.rpartition(".")[2] for record in database().read(row_of(self.author))]

    def test_what_one_test_writes_is_in_no_log_of_another(self) -> None:
        self.assertEqual(self.changes(), ["RowInserted"])
        Author.objects.update(name="Bea")
        self.assertEqual(self.changes(), ["RowInserted", "RowChanged"])

    test_whichever_comes_first = test_what_one_test_writes_is_in_no_log_of_another


class WithTheMixin(HistoryMixin, WithoutTheMixin):
    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        database()  # brings it to the log before any test begins


class BeforeAllTests(TestCase):
    def test_a_log_begins_with_rows_of_migrations_and_gives_them_none(self) -> None:
        around, inside = Mock(atomic_blocks=[]), Mock(atomic_blocks=[Mock(_from_testcase=True)])
        with mock.patch.object(running, "_logs", []):
            before = running.log_of_test(around, lambda: connect("memory:"))
            before.table("tags").insert("t-1", {"name": "old"})
            of_test = running.log_of_test(inside, lambda: connect("memory:"))
            of_test.table("tags").insert("t-2", {"name": "new"})
        self.assertEqual([db.head().position for db in (before, of_test)], [1, 2])


class Flushed(TransactionTestCase):
    def test_what_one_test_writes_is_in_no_log_of_another(self) -> None:
        author = Author.objects.create(pk=7_000, name="Ada")
        self.assertEqual(len(list(database().read(row_of(author)))), 1)

    test_whichever_comes_first = test_what_one_test_writes_is_in_no_log_of_another

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        if address() != "memory:":
            raise SkipTest("a log in the database is flushed by nobody")


class OneTransactionForEachRequest(TransactionTestCase):
    def test_pages_and_drains_work_where_a_request_is_one_transaction(self) -> None:
        from django.contrib.auth.models import User

        self.client.force_login(User.objects.create_superuser("boss"))
        member = Member.objects.create(name="Ann", email="a@example.org")
        Member.objects.update(name="Anna")
        database()
        position = [record.position for record in database().read(row_of(member))][-1]
        connection.settings_dict["ATOMIC_REQUESTS"] = True
        try:
            Member.objects.update(phone="061")
            page = self.client.get(f"/admin/library/member/{member.pk}/history/")
            self.assertContains(page, "061")
            path = f"/admin/library/member/{member.pk}/history/{position}/revert/"
            self.assertEqual(self.client.post(path, {"reason": "no"}).status_code, 302)
        finally:
            connection.settings_dict["ATOMIC_REQUESTS"] = False
        self.assertEqual(Member.objects.get().name, "Ann")
        self.assertEqual(next(database().read(row_of(member), backwards=True)).message, "no")
