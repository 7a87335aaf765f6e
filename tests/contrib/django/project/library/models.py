"""What a library keeps."""

import uuid

from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name


class Publication(models.Model):
    title = models.CharField(max_length=200)
    number = models.CharField(max_length=20, db_column="isbn_or_issn", blank=True)
    price = models.DecimalField(max_digits=8, decimal_places=2, default="0.00")
    published = models.DateField(null=True, blank=True)
    authors = models.ManyToManyField(Author, blank=True, related_name="publications")

    def __str__(self) -> str:
        return self.title


class Book(Publication):
    pages = models.PositiveIntegerField(default=0)


class Member(models.Model):
    name = models.CharField(max_length=120)
    email = models.EmailField(unique=True)
    active = models.BooleanField(default=True)
    details = models.JSONField(default=dict, blank=True)
    card = models.BinaryField(default=b"", blank=True)
    changed = models.DateTimeField(auto_now=True)
    phone = models.CharField(max_length=40, blank=True, default="")

    def __str__(self) -> str:
        return self.name


class Loan(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="loans")
    book = models.ForeignKey(Book, on_delete=models.CASCADE)
    due = models.DateField()
    returned = models.DateTimeField(null=True, blank=True)
    fee = models.DecimalField(max_digits=6, decimal_places=2, default="1.00")
    dues = models.GeneratedField(
        expression=models.F("fee") * 2,
        output_field=models.DecimalField(max_digits=8, decimal_places=2),
        db_persist=True,
    )
    made = models.DateTimeField(auto_now_add=True)
    took = models.DurationField(null=True)

    class Meta:
        ordering = ["due"]
