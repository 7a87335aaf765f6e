"""Some names were cut off."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("library", "0002_phones")]

    operations = [migrations.AlterField("member", "name", models.CharField(max_length=120))]
