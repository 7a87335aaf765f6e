import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Author",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name="Publication",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                ("number", models.CharField(blank=True, db_column="isbn_or_issn", max_length=20)),
                ("price", models.DecimalField(decimal_places=2, default="0.00", max_digits=8)),
                ("published", models.DateField(blank=True, null=True)),
                (
                    "authors",
                    models.ManyToManyField(blank=True, related_name="publications", to="library.author"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Member",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("email", models.EmailField(max_length=254, unique=True)),
                ("active", models.BooleanField(default=True)),
                ("details", models.JSONField(blank=True, default=dict)),
                ("card", models.BinaryField(blank=True, default=b"")),
                ("changed", models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.CreateModel(
            name="Book",
            fields=[
                (
                    "publication_ptr",
                    models.OneToOneField(
                        auto_created=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        parent_link=True,
                        primary_key=True,
                        serialize=False,
                        to="library.publication",
                    ),
                ),
                ("pages", models.PositiveIntegerField(default=0)),
            ],
            bases=("library.publication",),
        ),
        migrations.CreateModel(
            name="Loan",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("due", models.DateField()),
                ("returned", models.DateTimeField(blank=True, null=True)),
                ("fee", models.DecimalField(decimal_places=2, default="1.00", max_digits=6)),
                (
                    "dues",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.F("fee") * 2,
                        output_field=models.DecimalField(decimal_places=2, max_digits=8),
                    ),
                ),
                ("made", models.DateTimeField(auto_now_add=True)),
                ("took", models.DurationField(null=True)),
                (
                    "member",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="loans", to="library.member"
                    ),
                ),
                ("book", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="library.book")),
            ],
            options={
                "ordering": ["due"],
            },
        ),
    ]
