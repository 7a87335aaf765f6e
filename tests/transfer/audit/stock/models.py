"""Items whose changes triggers write down, and shelves whose events have their context beside them."""

from __future__ import annotations

import pghistory
from django.db import models


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class Item(models.Model):
    name = models.TextField()
    count = models.IntegerField()
    price = models.DecimalField(max_digits=8, decimal_places=2)
    details = models.JSONField(default=dict)
    until = models.DateTimeField(null=True)


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    pghistory.DeleteEvent("shelf.removed"),
    context_field=pghistory.ContextJSONField(),
)
class Shelf(models.Model):
    code = models.TextField(primary_key=True)
    room = models.TextField()
