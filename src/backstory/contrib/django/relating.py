"""Changes of the many-to-many fields of an object, which are rows of tables of their own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from backstory.contrib.django.recording import history_of, models
from backstory.rows.events import RowDeleted, RowInserted
from backstory.rows.kinds import kind
from backstory.store import Record

if TYPE_CHECKING:
    from django.db.models import Model

    from backstory.database import Database

MOST = 5_000
"""Rows of one such table that are looked at for a page: they are not found by the object, but by their own keys."""


class Related(NamedTuple):
    """An object that was added to a field, or removed from it."""

    record: Record
    label: str
    other: str
    added: bool


def related(db: Database, model: type[Model], key: str, after: int, upto: int | None) -> Iterator[Related]:
    """The rows that were added to the many-to-many fields of an object, and removed, between two positions.

    Only the last rows of a table are looked at, at most `MOST`.
    """
    for field in model._meta.many_to_many:
        through = cast("Any", field).remote_field.through
        if not through._meta.auto_created or field.model._meta.concrete_model not in models():
            continue
        own = through._meta.get_field(cast("Any", field).m2m_field_name()).attname
        other = through._meta.get_field(cast("Any", field).m2m_reverse_field_name()).attname
        made = kind(history_of(through))
        records = db.read(made.inserted, made.deleted, after=after, at=upto, backwards=True, limit=MOST)
        found = [
            record
            for record in records
            if isinstance(record.event, (RowInserted, RowDeleted)) and str(record.event.row.get(own)) == key
        ]
        names = _names(cast("Any", field).related_model, {record.event.row.get(other) for record in found})
        for record in found:
            event: RowInserted | RowDeleted = record.event
            name = names.get(str(event.row.get(other)), str(event.row.get(other)))
            yield Related(record, str(field.verbose_name), name, isinstance(event, RowInserted))


def _names(model: type[Model], keys: set[Any]) -> dict[str, str]:
    """The objects that are still there, as text, by their keys as text."""
    some = [key for key in islice(keys, MOST) if key is not None]
    return {str(pk): str(one) for pk, one in model._base_manager.in_bulk(some).items()}
