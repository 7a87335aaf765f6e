"""The store on PostgreSQL, and the outbox."""

from django.db import migrations

from backstory.contrib.django.migrating import Begin


class Migration(migrations.Migration):
    """The first one. Models that are recorded later need no other: `migrate` makes their triggers."""

    initial = True
    dependencies = []
    operations = [Begin()]
