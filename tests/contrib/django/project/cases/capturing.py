"""Whatever writes rows of the project, its history has them."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.utils import IntegrityError
from django.test import TestCase, TransactionTestCase

from backstory import Database, RowChanged, RowDeleted, RowInserted
from backstory.contrib.django import database, drain, row_of
from backstory.contrib.django.recording import history_of
from backstory.contrib.django.testing import HistoryMixin
from tests.contrib.django.project.cases import savepoint_create
from tests.contrib.django.project.library.models import Author, Book, Loan, Member, Publication

KINDS = (RowInserted, RowChanged, RowDeleted)


def told(model: type[Any], key: object) -> list[str]:
    """What happened to a row, in words."""
    records = database().table(history_of(model)).history(str(key))
    return [next(kind.__name__ for kind in KINDS if isinstance(record.event, kind)) for record in records]


def now(instance: Any, at: Any = None) -> dict[str, Any] | None:
    """The row of an object in its history."""
    return database().load(row_of(instance), at).row


class Written(HistoryMixin, TestCase):
    def test_what_bulk_create_update_and_delete_of_querysets_write(self) -> None:
        Author.objects.bulk_create([Author(name=f"author {number}") for number in range(20)])
        first, second, *rest = Author.objects.order_by("pk")
        self.assertEqual(Author.objects.filter(pk__in=[first.pk, second.pk]).update(name="Ada"), 2)
        Author.objects.filter(pk=second.pk).delete()
        self.assertEqual(told(Author, first.pk), ["RowInserted", "RowChanged"])
        self.assertEqual(told(Author, second.pk), ["RowInserted", "RowChanged", "RowDeleted"])
        self.assertTrue(all(told(Author, one.pk) == ["RowInserted"] for one in rest))
        self.assertEqual(now(first), {"name": "Ada"})

    def test_what_raw_sql_writes(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO library_author (name) VALUES (%s)", ["O'Neill 100%"])
            cursor.executemany("INSERT INTO library_author (name) VALUES (%s)", [["a"], ["b"]])
            cursor.execute("/* by hand */ UPDATE library_author SET name = 'A%b' WHERE name = 'a'")
        names = {row["name"] for author in Author.objects.all() if (row := now(author))}
        self.assertEqual(names, {"O'Neill 100%", "A%b", "b"})

    def test_what_upserts_write_by_whom(self) -> None:
        def member(name: str) -> Member:
            return Member(name=name, email="a@example.org")

        same: dict[str, Any] = {
            "update_conflicts": True,
            "unique_fields": ["email"],
            "update_fields": ["name"],
        }
        names, authors = ["Ann", "Anna", "Annie", "Nan"], ["ann", "bob", "cy", "dan"]
        for number, name in enumerate(names):
            with database().context(author=authors[number]):
                if number < 2:
                    Member.objects.bulk_create([member(name)], **same)
                elif number == 2:
                    Member.objects.update_or_create(email="a@example.org", defaults={"name": name})
                else:
                    sql = "UPDATE library_member SET name = %s RETURNING *"
                    self.assertEqual([one.name for one in Member.objects.raw(sql, [name])], [name])
        reference = row_of(Member.objects.get())
        records = list(database().read(reference))
        self.assertEqual([record.author for record in records], authors)
        rows = [database().load(reference, record.position).row for record in records]
        self.assertEqual([row["name"] for row in rows if row], names)

    def test_sql_that_psycopg_composes_has_an_author(self) -> None:
        if connection.vendor != "postgresql":
            self.skipTest("psycopg is that of PostgreSQL")
        from psycopg.sql import SQL, Identifier

        with database().context(author="ann"), connection.cursor() as cursor:
            cursor.execute(
                SQL("INSERT INTO {} (name) VALUES ({})").format(Identifier("library_author"), "Ada")
            )
        [record] = database().read(row_of(Author.objects.get()))
        self.assertEqual(record.author, "ann")

    def test_a_statement_that_fails_leaves_no_trace_and_nothing_for_the_next_one(self) -> None:
        db = database()
        Member.objects.create(name="Ann", email="ann@example.org")
        with db.context(author="eve"), self.assertRaises(IntegrityError), transaction.atomic():
            Member.objects.create(name="Ann", email="ann@example.org")
        Member.objects.update(name="Anna")
        authors = [record.author for record in database().read(row_of(Member.objects.get()))]
        self.assertNotIn("eve", authors)

    def test_each_kind_of_field_has_one_form_on_every_database(self) -> None:
        member = Member.objects.create(
            name="Zoë 𝄞", email="z@example.org", details={"a": [1, None, "ü"]}, card=b"\x00\xff", active=False
        )
        book = Book.objects.create(title="T", price=Decimal("12.50"), published=date(1999, 12, 31), pages=7)
        loan = Loan.objects.create(member=member, book=book, due=date(2027, 1, 2))
        row = now(member)
        assert row is not None
        self.assertEqual(row["name"], "Zoë 𝄞")
        self.assertEqual((row["details"], row["active"], row["card"]), ({"a": [1, None, "ü"]}, False, "AP8="))
        self.assertEqual(row["changed"], member.changed.isoformat().replace("+00:00", "Z"))
        lent = now(loan)
        assert lent is not None
        self.assertEqual(lent["member_id"], member.pk)
        self.assertEqual((lent["due"], lent["returned"]), ("2027-01-02", None))
        self.assertEqual(str(uuid.UUID(row_of(loan).key)), row_of(loan).key)

    def test_a_model_and_its_parent_are_one_row_and_a_renamed_column_has_the_name_of_its_field(self) -> None:
        book = Book.objects.create(title="Emma", number="978", pages=300, price="8.00")
        self.assertEqual(row_of(book), row_of(Publication.objects.get(pk=book.pk)))
        self.assertEqual(
            now(book), {"title": "Emma", "number": "978", "price": "8.00", "published": None, "pages": 300}
        )
        Publication.objects.filter(pk=book.pk).update(title="Emma II")
        Book.objects.filter(pk=book.pk).update(pages=301, number="979")
        row = now(book)
        assert row is not None
        self.assertEqual((row["title"], row["pages"], row["number"]), ("Emma II", 301, "979"))
        reference = row_of(book)
        book.delete()
        self.assertIsNone(database().load(reference).row)

    def test_many_to_many_fields_have_a_history_of_their_own(self) -> None:
        book, ada = Book.objects.create(title="T"), Author.objects.create(name="Ada")
        book.authors.add(ada)
        through = Publication.authors.through
        [pair] = through.objects.all()
        self.assertEqual(now(pair), {"publication_id": book.pk, "author_id": ada.pk})
        book.authors.clear()
        self.assertEqual(told(through, pair.pk), ["RowInserted", "RowDeleted"])

    def test_a_model_of_another_app_is_recorded_without_its_passwords(self) -> None:
        user = User.objects.create_user("ann", password="open sesame")
        row = now(user)
        assert row is not None
        self.assertEqual(row["username"], "ann")
        self.assertNotIn("password", row)
        before = len(told(User, user.pk))
        user.set_password("another")
        user.save()
        self.assertEqual(len(told(User, user.pk)), before)

    def test_cascades_are_captured(self) -> None:
        member = Member.objects.create(name="Ann", email="a@example.org")
        book = Book.objects.create(title="T")
        loan = Loan.objects.create(member=member, book=book, due=date(2027, 1, 2))
        key = loan.pk
        book.delete()
        self.assertEqual(told(Loan, key), ["RowInserted", "RowDeleted"])

    def test_blame_and_as_of_answer(self) -> None:
        db: Database = database()
        with db.context(author="ann", message="new"):
            member = Member.objects.create(name="Ann", email="a@example.org")
        first = database().head().position
        with db.context(author="bob", message="married"):
            Member.objects.filter(pk=member.pk).update(name="Anna")
        blamed = database().blame(row_of(member))
        said = [
            (commit.author, commit.message)
            for field in ("row.email", "row.name")
            if (commit := blamed[field].commit) is not None
        ]
        self.assertEqual(said, [("ann", "new"), ("bob", "married")])
        then = now(member, first)
        assert then is not None
        self.assertEqual(then["name"], "Ann")

    def test_queries_are_counted_as_before(self) -> None:
        with self.assertNumQueries(1):
            Author.objects.create(name="a")
        with self.assertNumQueries(1):
            Author.objects.update(name="b")


class Committed(HistoryMixin, TransactionTestCase):
    def test_nothing_of_a_block_or_a_savepoint_that_was_rolled_back(self) -> None:
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            Author.objects.create(name="lost")
            _ = 1 / 0
        with transaction.atomic():
            kept = Author.objects.create(name="kept")
            with self.assertRaises(ZeroDivisionError), transaction.atomic():
                Author.objects.update(name="lost")
                _ = 1 / 0
            savepoint = savepoint_create()
            kept.delete()
            transaction.savepoint_rollback(savepoint)
        kept = Author.objects.get()
        self.assertEqual((told(Author, kept.pk), now(kept)), (["RowInserted"], {"name": "kept"}))

    def test_one_transaction_is_one_commit_and_each_statement_outside_of_any_is_one(self) -> None:
        before = database().head().position
        with transaction.atomic():
            Author.objects.create(name="a")
            Author.objects.create(name="b")
        Author.objects.create(name="c")
        Author.objects.create(name="d")
        database()
        self.assertEqual([commit.size for commit in database().commits(after=before)], [2, 1, 1])

    def test_a_statement_outside_of_any_block_that_fails_leaves_nothing_for_the_next_one(self) -> None:
        Member.objects.create(name="Ann", email="ann@example.org")
        with database().context(author="eve"), self.assertRaises(IntegrityError):
            Member.objects.create(name="Ann", email="ann@example.org")
        Member.objects.update(name="Anna")
        authors = [record.author for record in database().read(row_of(Member.objects.get()))]
        self.assertEqual(len(authors), 2)
        self.assertNotIn("eve", authors)

    def test_what_is_captured_in_a_block_comes_to_the_log_after_its_end(self) -> None:
        first = Author.objects.create(name="a")
        with transaction.atomic():
            second = Author.objects.create(name="b")
            drain()
            self.assertEqual([told(Author, one.pk) for one in (first, second)], [["RowInserted"], []])
        self.assertEqual(told(Author, second.pk), ["RowInserted"])
        self.assertEqual(told(Author, first.pk), ["RowInserted"])
