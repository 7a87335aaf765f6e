"""Products with labels, and customers whose names stay out of their history."""

from __future__ import annotations

from django.db import models
from simple_history.models import HistoricalRecords


class Label(models.Model):
    name = models.CharField(max_length=50)


class Product(models.Model):
    name = models.CharField(max_length=200)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    sold = models.BooleanField(default=False)
    since = models.DateField(null=True)
    checked = models.DateTimeField(null=True)
    details = models.JSONField(default=dict)
    picture = models.BinaryField(null=True)
    labels = models.ManyToManyField(Label)
    history = HistoricalRecords(m2m_fields=[labels])


class Customer(models.Model):
    email = models.EmailField(primary_key=True)
    name = models.TextField()
    city = models.TextField(null=True)
    history = HistoricalRecords(
        excluded_fields=["name"], history_change_reason_field=models.TextField(null=True)
    )
