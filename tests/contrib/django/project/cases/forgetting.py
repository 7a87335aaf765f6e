"""Objects whose values are taken out of the history."""

from __future__ import annotations

from django.db import transaction
from django.test import TransactionTestCase

from backstory.contrib.django import database, forget, revert, row_of
from backstory.contrib.django.testing import HistoryMixin
from backstory.errors import RevertError, StoreRefused
from backstory.rows.kinds import Row
from tests.contrib.django.project.library.models import Book, Member


def known(row: Row) -> str:
    """All that the history says of an object."""
    return " ".join(str(record.event) for record in database().read(row))


class Forgetting(HistoryMixin, TransactionTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.ann, self.bea = Member.objects.bulk_create(
            [Member(name="Ann", email="a@example.org"), Member(name="Bea", email="b@example.org")]
        )
        Member.objects.update(phone="061")

    def test_a_deleted_object_is_forgotten_and_others_of_its_commits_are_not(self) -> None:
        row = row_of(self.ann)
        Member.objects.filter(pk=self.ann.pk).delete()
        self.assertEqual(forget(row, message="request 17"), 3)
        self.assertNotIn("Ann", known(row))
        self.assertNotIn("061", known(row))
        self.assertIsNone(database().table(row.table).get(row.key))
        self.assertIn("Bea", known(row_of(self.bea)))
        self.assertEqual(forget(row, message="again"), 0)
        with self.assertRaises(RevertError):
            revert("main", row)

    def test_an_object_that_stays_begins_its_history_anew(self) -> None:
        Member.objects.filter(pk=self.ann.pk).update(name="", email="gone@example.org", phone="")
        self.assertEqual(forget(self.ann, message="request 17", author="dan"), 3)
        said = known(row_of(self.ann))
        self.assertNotIn("Ann", said)
        self.assertIn("gone@example.org", said)
        Member.objects.filter(pk=self.ann.pk).update(phone="1")
        row = database().load(row_of(self.ann)).row
        assert row is not None
        self.assertEqual((row["name"], row["email"], row["phone"]), ("", "gone@example.org", "1"))
        self.assertEqual(revert("main", self.ann), 1)

    def test_what_nobody_knows_any_more_is_not_taken_back(self) -> None:
        forget(self.ann, message="request 17")
        records = list(database().read(row_of(self.ann)))
        self.assertEqual(
            [type(each.event).__name__ for each in records], ["Unknown", "Unknown", "RowInserted"]
        )
        for record in records:  # the last one says how she is, and not what happened to her
            for force in (False, True):
                with self.assertRaisesRegex(RevertError, "Data of this object were withheld"):
                    revert(record.commit, self.ann, force=force)
        self.assertEqual(revert(records[1].commit, skip=True), 1)  # the other object of this commit
        self.assertEqual([one.phone for one in Member.objects.order_by("pk")], ["061", ""])

    def test_an_object_of_two_tables_too(self) -> None:
        book = Book.objects.create(title="Emma", pages=3)
        Book.objects.filter(pk=book.pk).update(title="?", pages=4)
        forget(book, message="request 17")
        self.assertNotIn("Emma", known(row_of(book)))
        row = database().load(row_of(book)).row
        assert row is not None
        self.assertEqual((row["title"], row["pages"]), ("?", 4))

    def test_inside_of_a_transaction_it_is_refused(self) -> None:
        with transaction.atomic(), self.assertRaisesRegex(StoreRefused, "forget after the transaction"):
            self.ann.delete()
            forget(self.ann, message="too early")
