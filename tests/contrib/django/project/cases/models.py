"""Models of unusual forms, whose tables a test makes for itself."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import connection, models, transaction
from django.db.transaction import TransactionManagementError
from django.test import TransactionTestCase, override_settings

from backstory.contrib.django import append, database, recording, row_of
from backstory.contrib.django.capturing import install
from backstory.contrib.django.migrating import finish
from backstory.contrib.django.recording import Wanted
from backstory.contrib.django.testing import HistoryMixin


class Thing(models.Model):
    title = models.CharField(max_length=20)

    class Meta:
        app_label = "library"


class Piece(models.Model):
    piece = models.AutoField(primary_key=True)
    weight = models.IntegerField(default=0)

    class Meta:
        app_label = "library"


class Statue(Thing, Piece):
    sculptor = models.CharField(max_length=20)

    class Meta:
        app_label = "library"


class Shelf(models.Model):
    pk = models.CompositePrimaryKey("room", "number")
    room = models.CharField(max_length=20)
    number = models.IntegerField()
    label = models.CharField(max_length=20, default="")

    class Meta:
        app_label = "library"


class Seen(models.Model):
    thing = models.ForeignKey(Thing, models.CASCADE)
    gallery = models.ForeignKey("Gallery", models.CASCADE)
    since = models.IntegerField(default=0)

    class Meta:
        app_label = "library"


class Gallery(models.Model):
    name = models.CharField(max_length=20)
    things = models.ManyToManyField(Thing, through=Seen)

    class Meta:
        app_label = "library"


class Short(Thing):
    """A proxy."""

    class Meta:
        app_label = "library"
        proxy = True


MADE: list[type[models.Model]] = [Thing, Piece, Statue, Shelf, Gallery, Seen]
ALL: list[type[models.Model]] = [*MADE, Short]


@override_settings(BACKSTORY={**settings.BACKSTORY, "RECORD": ["library.Author"]})
class Unusual(HistoryMixin, TransactionTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.addClassCleanup(lambda: install(connection))  # with the usual settings again
        super().setUpClass()

    def setUp(self) -> None:
        super().setUp()
        with connection.schema_editor() as editor:
            for model in MADE:
                editor.create_model(model)

    def tearDown(self) -> None:
        for model in ALL:
            recording._declared.pop(model, None)
        with connection.schema_editor() as editor:
            for model in reversed(MADE):
                editor.delete_model(model)
        super().tearDown()

    def record(self, *models: type[models.Model]) -> None:
        for model in models:
            recording._declared[model] = Wanted()
        install(connection)

    def row(self, instance: Any) -> Any:
        return database().load(row_of(instance)).row

    def test_a_model_of_two_parents_shares_the_row_of_the_one_whose_key_it_has(self) -> None:
        self.record(Statue)
        Piece.objects.create(weight=1)
        statue = Statue.objects.create(title="David", weight=5000, sculptor="M.")
        self.assertNotEqual(statue.pk, statue.piece)
        self.assertEqual(self.row(statue), {"title": "David", "piece_ptr_id": statue.piece, "sculptor": "M."})
        self.assertEqual(self.row(Piece.objects.get(pk=statue.piece)), {"weight": 5000})
        self.assertIsNone(database().table("library_piece").get(str(statue.pk + 100)))
        statue.delete()
        self.assertIsNone(database().table("library_thing").get("1"))
        self.assertEqual(database().table("library_piece").get("1"), {"weight": 1})

    def test_a_composite_primary_key(self) -> None:
        self.record(Shelf)
        shelf = Shelf.objects.create(room="a/b", number=7, label="old")
        Shelf.objects.filter(number=7).update(label="new")
        self.assertEqual(self.row(shelf), {"room": "a/b", "number": 7, "label": "new"})

    def test_the_model_of_a_many_to_many_field_that_has_one_is_recorded_with_it(self) -> None:
        self.record(Gallery)
        thing, gallery = Thing.objects.create(title="a"), Gallery.objects.create(name="g")
        gallery.things.add(thing, through_defaults={"since": 7})
        self.assertEqual(self.row(Seen.objects.get())["since"], 7)

    def test_a_proxy_is_recorded_as_its_model(self) -> None:
        self.record(Short)
        short = Short.objects.create(title="a")
        self.assertEqual(self.row(short), {"title": "a"})
        self.assertEqual(row_of(short), row_of(Thing.objects.get()))

    def test_a_model_that_is_not_recorded_any_more_has_no_triggers(self) -> None:
        self.record(Thing)
        before = database().head().position
        Thing.objects.create(title="a")
        database()
        del recording._declared[Thing]
        with self.assertLogs("backstory", "WARNING") as told:
            install(connection)
        self.assertIn("not recorded any more: library_thing", told.output[0])
        Thing.objects.create(title="b")
        database()
        self.assertEqual(database().head().position, before + 1)

    def test_a_model_that_gets_another_name_is_told_how_its_history_goes_on(self) -> None:
        self.record(Thing)
        thing = Thing.objects.create(title="a")
        database()
        recording._declared[Thing] = Wanted("renamed")  # as the name of a class that was renamed is
        Thing._meta.db_table = "library_other"
        try:
            with connection.schema_editor() as editor, self.assertLogs("backstory", "WARNING") as told:
                editor.alter_db_table(Thing, "library_thing", "library_other")
            self.assertIn("history library_thing ends here, and renamed begins", told.output[0])
            self.assertIn("@recorded(name='library_thing') above Thing", told.output[0])
            recording._declared[Thing] = Wanted("library_thing")
            finish("default", 0)
            Thing.objects.update(title="b")
            self.assertEqual(self.row(thing), {"title": "b"})
            types = [record.type for record in database().read(row_of(thing))]
            self.assertEqual(types[-2:], ["library_thing.RowInserted", "library_thing.RowChanged"])
        finally:
            Thing._meta.db_table = "library_thing"
            with connection.schema_editor() as editor:
                editor.alter_db_table(Thing, "library_other", "library_thing")

    def test_a_model_without_a_table_is_told_by_migrate(self) -> None:
        recording._declared[Thing] = Wanted()
        Thing._meta.db_table = 'elsewhere"."thing'  # a schema of PostgreSQL, as some write it
        try:
            with self.assertLogs("backstory", "WARNING") as told:
                finish("default", 0)
        finally:
            Thing._meta.db_table = "library_thing"
        self.assertIn("has no such table: elsewhere", told.output[0])

    def test_a_table_whose_name_is_quoted_or_has_a_schema_is_recorded(self) -> None:
        name = '"Ship Ment"' if connection.vendor == "sqlite" else 'elsewhere"."Ship Ment'
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("CREATE SCHEMA elsewhere")
            try:
                cursor.execute(
                    f"CREATE TABLE {connection.ops.quote_name(name)} AS SELECT * FROM library_thing"
                )
                Thing._meta.db_table = name
                self.record(Thing)
                finish("default", 0)
                Thing.objects.create(id=7, title="a")
                self.assertEqual(self.row(Thing(id=7)), {"title": "a"})
                self.assertEqual(install(connection), [])
                del recording._declared[Thing]
                with self.assertLogs("backstory", "WARNING") as told:
                    install(connection)
                self.assertIn("not recorded any more: ", told.output[0])
            finally:
                Thing._meta.db_table = "library_thing"
                cursor.execute(f"DROP TABLE {connection.ops.quote_name(name)}")
                if connection.vendor == "postgresql":
                    cursor.execute("DROP SCHEMA elsewhere")

    def test_a_table_that_got_another_name_is_recorded_once(self) -> None:
        self.record(Thing)
        Thing._meta.db_table = "library_other"  # as it is when its migration runs
        try:
            with connection.schema_editor() as editor:
                editor.alter_db_table(Thing, "library_thing", "library_other")
            Thing.objects.create(title="a")
            database()
            self.assertEqual([commit.size for commit in database().commits(backwards=True)][:1], [1])
        finally:
            Thing._meta.db_table = "library_thing"
            with connection.schema_editor() as editor:
                editor.alter_db_table(Thing, "library_other", "library_thing")


class WithoutAutocommit(HistoryMixin, TransactionTestCase):
    def test_a_transaction_that_code_ends_itself_is_not_ended_by_what_is_said_in_it(self) -> None:
        from tests.contrib.django.project.library.models import Author

        before = database().head().position
        transaction.set_autocommit(False)
        try:
            Author.objects.create(name="lost")
            Author.objects.create(name="lost, too")
            self.assertEqual(database().head().position, before)
            with self.assertRaisesRegex(TransactionManagementError, "belong into transaction.atomic"):
                append()
            transaction.rollback()
            self.assertFalse(Author.objects.exists())
            kept = Author.objects.create(name="kept")
            transaction.commit()
        finally:
            transaction.rollback()
            transaction.set_autocommit(True)
        self.assertEqual(self.history.load(row_of(kept)).row, {"name": "kept"})
        self.assertEqual([one.size for one in database().commits(after=before)], [1])
