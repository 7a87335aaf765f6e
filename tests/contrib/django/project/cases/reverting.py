"""A commit of rows that code takes back."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import F
from django.db.models.signals import pre_save
from django.test import TestCase, TransactionTestCase

from backstory.contrib.django import append, database, revert, row_of
from backstory.contrib.django.testing import HistoryMixin
from backstory.errors import RevertError, RevisionError
from backstory.values.commit import Commit
from tests.contrib.django.project.library.lending import CopyLent
from tests.contrib.django.project.library.models import Author, Book, Loan, Member, Publication


def last() -> Commit:
    """The newest commit."""
    return next(iter(database().commits(backwards=True)))


class Reverting(HistoryMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.ann = Member.objects.create(name="Ann", email="a@example.org")
        self.bea = Member.objects.create(name="Bea", email="b@example.org")
        database()

    def names(self) -> list[str]:
        return list(Member.objects.order_by("pk").values_list("name", flat=True))

    def test_a_commit_is_undone_for_all_of_its_objects_by_an_author_with_a_reason(self) -> None:
        Member.objects.update(name="nobody")
        wrong = last()
        self.assertEqual(revert(wrong, author="dan", message="not all of them"), 2)
        self.assertEqual(self.names(), ["Ann", "Bea"])
        self.assertEqual((last().author, last().message), ("dan", "not all of them"))
        self.assertEqual(last().metadata["reverts"], [wrong.id])
        [undone] = database().undone_by(wrong)
        self.assertEqual(undone.author, "dan")
        said = f"^#{wrong.position} was already undone by #{undone.position}; there is nothing to revert.$"
        with self.assertRaisesRegex(RevertError, said):
            revert(wrong)

    def test_or_for_one_object_alone(self) -> None:
        Member.objects.update(name="nobody")
        wrong = last()
        self.assertEqual(revert(wrong, self.bea), 1)
        self.assertEqual(self.names(), ["nobody", "Bea"])
        self.assertTrue(last().message.startswith("Revert "))
        Member.objects.filter(pk=self.bea.pk).update(name="Beate")
        self.assertEqual(revert(wrong), 1)  # it was undone for her already, so her later name stays
        self.assertEqual(self.names(), ["Ann", "Beate"])
        with self.assertRaisesRegex(RevertError, "did nothing to library_author 7"):
            revert("main~1", row_of(Author(pk=7, name="Ada")))

    def test_what_a_later_commit_owns_stays_unless_it_is_forced(self) -> None:
        Member.objects.update(name="nobody")
        wrong = last()
        Member.objects.filter(pk=self.ann.pk).update(name="Anna")
        database()
        with self.assertRaisesRegex(
            RevertError, rf"library_member {self.ann.pk}: Changed again since: name by #\d"
        ):
            revert(wrong)
        self.assertEqual(self.names(), ["Anna", "nobody"])
        self.assertEqual(revert(wrong, force=True), 2)
        self.assertEqual(self.names(), ["Ann", "Bea"])

    def test_signals_are_sent_and_a_commit_that_is_not_there_is_named(self) -> None:
        Member.objects.filter(pk=self.ann.pk).update(name="nobody")
        seen: list[str] = []

        def saved(instance: Member, **_: object) -> None:
            seen.append(instance.name)

        pre_save.connect(saved, sender=Member)
        try:
            revert(last())
        finally:
            pre_save.disconnect(saved, sender=Member)
        self.assertEqual(seen, ["Ann"])
        with self.assertRaises(RevisionError):
            revert("nothing")

    def test_a_commit_that_wrote_no_object_is_refused(self) -> None:
        append(CopyLent("k-1", "ann"))
        with self.assertRaisesRegex(RevertError, r"^main wrote no object: database\(\)\.revert undoes"):
            revert("main")

    def test_a_range_of_commits_is_undone_as_one(self) -> None:
        start = last()
        Member.objects.filter(pk=self.ann.pk).update(name="A", phone="1")
        database()
        Member.objects.filter(pk=self.ann.pk).update(name="B")
        Member.objects.filter(pk=self.bea.pk).update(name="C")
        wrong = f"#{start.position}..#{last().position}"
        self.assertEqual(revert(wrong, self.bea), 1)
        self.assertEqual(self.names(), ["B", "Bea"])
        self.assertEqual(revert(wrong), 1)
        self.assertEqual(self.names(), ["Ann", "Bea"])
        self.assertEqual(Member.objects.get(pk=self.ann.pk).phone, "")
        self.assertEqual(len(last().metadata["reverts"]), 2)

    def test_of_many_objects_those_that_refuse_can_be_left_as_they_are(self) -> None:
        Member.objects.create(name="Cy", email="c@example.org")
        database()
        Member.objects.update(name="nobody")
        wrong = last()
        Member.objects.filter(pk=self.ann.pk).update(name="Anna")
        Member.objects.filter(email="c@example.org").delete()
        database()
        with self.assertRaisesRegex(
            RevertError, r"So it is with 1 more of 3 objects\. With skip=True these stay"
        ):
            revert(wrong)
        self.assertEqual(revert(wrong, skip=True), 1)
        self.assertEqual(self.names(), ["Anna", "Bea"])

    def lent(self) -> Loan:
        book = Book.objects.create(title="Emma")
        loan = Loan.objects.create(member=self.ann, book=book, due=date(2027, 1, 2), fee="1.10")
        database()
        return loan

    def test_columns_that_the_database_computes_are_left_to_it(self) -> None:
        loan = self.lent()
        Loan.objects.filter(pk=loan.pk).update(fee="3.00")
        self.assertEqual(revert(last(), loan), 1)
        loan.refresh_from_db()
        self.assertEqual((loan.fee, loan.dues), (Decimal("1.10"), Decimal("2.20")))

    def test_a_number_that_sqlite_keeps_with_more_digits_than_its_field_has_is_no_other_value(self) -> None:
        loan = self.lent()
        Loan.objects.filter(pk=loan.pk).update(fee=F("fee") * Decimal("1.1"))
        database()
        Loan.objects.filter(pk=loan.pk).update(due=date(2028, 1, 2))
        self.assertEqual(revert(last(), loan), 1)
        loan.refresh_from_db()
        self.assertEqual((loan.fee, loan.due), (Decimal("1.21"), date(2027, 1, 2)))

    def test_an_object_that_comes_back_was_made_when_it_was_made(self) -> None:
        loan = self.lent()
        pk = loan.pk
        loan.delete()
        self.assertEqual(revert(last()), 1)
        self.assertEqual(Loan.objects.get().made, loan.made)
        self.assertEqual(Loan.objects.get().dues, Decimal("2.20"))
        self.assertEqual(database().load(row_of(Loan(pk=pk))).row, self.history_before(pk))

    def test_what_a_loan_took_may_be_less_than_nothing(self) -> None:
        loan = self.lent()
        Loan.objects.filter(pk=loan.pk).update(took=timedelta(seconds=-1.5))
        database()
        Loan.objects.filter(pk=loan.pk).update(took=None)
        self.assertEqual(revert(last(), loan), 1)
        self.assertEqual(Loan.objects.get().took, timedelta(seconds=-1.5))

    def history_before(self, pk: object) -> object:
        return database().load(row_of(Loan(pk=pk)), "main~2").row

    def test_an_object_that_is_not_as_its_history_says_is_named_with_its_fields(self) -> None:
        Member.objects.filter(pk=self.ann.pk).update(name="nobody")
        wrong = last()
        Member.objects.filter(pk=self.ann.pk).update(phone="2")
        with connection.cursor() as cursor:  # what a trigger that is gone does not record
            place = "backstory_" if connection.vendor == "sqlite" else "backstory_capture."
            cursor.execute(f"DELETE FROM {place}outbox")
        with self.assertRaisesRegex(
            RevertError, rf"member {self.ann.pk} is not as its history says: phone\."
        ):
            revert(wrong, self.ann)


class InTransactions(HistoryMixin, TransactionTestCase):
    def test_objects_that_one_transaction_deleted_come_back_together_or_not_at_all(self) -> None:
        book = Book.objects.create(title="Emma", number="1", pages=3)
        book.authors.add(Author.objects.create(name="Jane"))
        with transaction.atomic():
            Author.objects.all().delete()
            Publication.objects.all().delete()
        commit = last()
        Author.objects.create(pk=book.pk + 100, name="another")
        self.assertEqual(revert(commit), 3)
        found = Book.objects.get()
        self.assertEqual((found.title, found.pages, found.authors.get().name), ("Emma", 3, "Jane"))
        with self.assertRaisesRegex(RevertError, "was already undone by"):
            revert(commit)
        self.assertEqual(Author.objects.count(), 2)
