"""A commit of rows that code takes back."""

from __future__ import annotations

from django.db import transaction
from django.db.models.signals import pre_save
from django.test import TestCase, TransactionTestCase

from backstory.contrib.django import database, revert, row_of
from backstory.contrib.django.testing import HistoryMixin
from backstory.errors import RevertError, RevisionError
from backstory.values.commit import Commit
from tests.contrib.django.project.library.models import Author, Book, Member, Publication


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
