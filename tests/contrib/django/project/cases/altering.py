"""Migrations that alter recorded tables: whatever they do, it is captured before, between and after."""

from __future__ import annotations

from typing import Any

from django.db import connection, models
from django.db.migrations import (
    AddField,
    AlterField,
    AlterModelTable,
    CreateModel,
    DeleteModel,
    RemoveField,
    RenameField,
    RunPython,
)
from django.db.migrations.state import ProjectState
from django.test import TransactionTestCase

from backstory.contrib.django import database, drain, recording
from backstory.contrib.django.capturing import install
from backstory.contrib.django.migrating import finish
from backstory.contrib.django.recording import Wanted
from backstory.contrib.django.testing import HistoryMixin


class Gadget(models.Model):
    """The model as it is after all migrations."""

    label = models.CharField(max_length=50)
    count = models.BigIntegerField(default=0)

    class Meta:
        app_label = "library"
        db_table = "library_gadget"


class Altering(HistoryMixin, TransactionTestCase):
    def setUp(self) -> None:
        super().setUp()
        recording._declared[Gadget] = Wanted("gadgets")
        self.state = ProjectState()

    def tearDown(self) -> None:
        del recording._declared[Gadget]
        with connection.schema_editor() as editor:
            if "library_gadget" in connection.introspection.table_names():
                editor.delete_model(Gadget)
        super().tearDown()

    def migrate(self, *operations: Any, atomic: bool = True) -> None:
        """One migration, as `migrate` applies it."""
        with connection.schema_editor(atomic=atomic) as editor:
            for operation in operations:
                before = self.state.clone()
                operation.state_forwards("library", self.state)
                operation.database_forwards("library", editor, before, self.state)

    def written(self, sql: str) -> RunPython:
        """A data migration."""

        def run(_apps: Any, editor: Any) -> None:
            with editor.connection.cursor() as cursor:
                cursor.execute(sql)

        return RunPython(run)

    def rows(self, key: str = "1") -> list[dict[str, Any] | None]:
        """The row after each event."""
        row = database().table("gadgets").row(key)
        return [database().load(row, record.position).row for record in database().read(row)]

    def test_a_table_that_is_altered_again_and_again(self) -> None:
        insert = "INSERT INTO library_gadget (id, name, count, old) VALUES (1, 'a', 1, 'x')"
        fields = [
            ("id", models.BigAutoField(primary_key=True)),
            ("name", models.CharField(max_length=20)),
            ("count", models.IntegerField(default=0)),
            ("old", models.CharField(max_length=20, default="")),
        ]
        self.migrate(CreateModel("Gadget", fields), self.written(insert))
        self.migrate(
            AlterField("gadget", "count", models.BigIntegerField(default=0)),
            self.written("UPDATE library_gadget SET count = 2"),
            RenameField("gadget", "name", "label"),
            self.written("UPDATE library_gadget SET count = 3"),
            AlterField("gadget", "label", models.CharField(max_length=50)),
            self.written("UPDATE library_gadget SET label = 'b'"),
        )
        self.migrate(
            RemoveField("gadget", "old"),
            self.written("UPDATE library_gadget SET count = 4"),
            AddField("gadget", "extra", models.TextField(default="new", null=True)),
            self.written("UPDATE library_gadget SET extra = 'y'"),
        )
        self.migrate(RemoveField("gadget", "extra"))
        self.migrate(self.written("UPDATE library_gadget SET count = 5"), atomic=False)
        rows = self.rows()
        self.assertEqual([row["count"] for row in rows if row], [1, 2, 3, 3, 4, 4, 5])
        self.assertEqual(rows[0], {"name": "a", "count": 1, "old": "x"})
        last = rows[-1]
        assert last is not None
        self.assertEqual((last["label"], last["count"]), ("b", 5))
        self.assertEqual(install(connection), [])
        finish("default", 0)
        self.assertEqual(self.rows()[-1], {"label": "b", "count": 5})

    def test_a_table_that_is_renamed_and_a_model_that_goes(self) -> None:
        fields = [
            ("id", models.BigAutoField(primary_key=True)),
            ("label", models.CharField(max_length=50)),
            ("count", models.BigIntegerField(default=0)),
        ]
        self.migrate(CreateModel("Gadget", fields, {"db_table": "old_gadgets"}))
        self.migrate(AlterModelTable("gadget", "library_gadget"))
        self.migrate(self.written("INSERT INTO library_gadget (id, label, count) VALUES (2, 'a', 1)"))
        self.assertEqual(self.rows("2"), [{"label": "a", "count": 1}])
        self.migrate(DeleteModel("Gadget"))
        self.assertEqual(drain().rows, 0)
