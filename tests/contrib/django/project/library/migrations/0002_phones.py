"""Members have phones; those who had told it in their details keep it."""

from typing import Any

from django.db import migrations, models


def from_details(apps: Any, schema_editor: Any) -> None:
    members = apps.get_model("library", "Member")
    for member in members.objects.exclude(details={}):
        member.phone = member.details.get("phone", "")
        member.save()


class Migration(migrations.Migration):
    dependencies = [("library", "0001_initial")]

    operations = [
        migrations.AddField("member", "phone", models.CharField(max_length=40, blank=True, default="")),
        migrations.RunPython(from_details, migrations.RunPython.noop),
    ]
