"""Values of the history as those of objects, and the fields that have values by themselves."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import DatabaseError, connections, transaction
from django.db.models import DecimalField, JSONField

from backstory.contrib.django.conf import configured
from backstory.errors import RevertError
from backstory.rows.events import Fields

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import Field, Model


def by_themselves(model: type[Model]) -> set[str]:
    """The fields that the database or Django gives by itself."""
    return {
        field.attname
        for field in model._meta.concrete_fields
        if field.generated or getattr(field, "auto_now", False)
    }


def at_birth(model: type[Model]) -> list[Field[Any, Any]]:
    """The fields that have the time at which an object is made."""
    return [field for field in model._meta.concrete_fields if getattr(field, "auto_now_add", False)]


def value_of(field: Field[Any, Any], value: Any) -> Any:
    """The value of an object for one of the history. Raises `RevertError`."""
    connection = connections[configured().database]
    try:
        read = getattr(field, "from_db_value", None)
        if read is not None and not isinstance(field, JSONField):
            value = read(value, None, connection)
        found = None if value is None else field.to_python(value)
    except (ValueError, TypeError, ValidationError) as wrong:
        found = _of_postgres(field, value, connection)
        if found is None:
            raise RevertError(f"The value that {field.name} had cannot be read back: {wrong}") from wrong
    if isinstance(found, Decimal) and isinstance(field, DecimalField) and found.is_finite():
        # SQLite may keep more digits than the field has, of which Django reads those of the field.
        return found.quantize(Decimal(1).scaleb(-(field.decimal_places or 0)), context=field.context)
    return bytes(found) if isinstance(found, memoryview) else found


def _of_postgres(field: Field[Any, Any], value: Any, connection: BaseDatabaseWrapper) -> Any:
    """The value for a text that PostgreSQL reads and Django does not, such as that of a range; else None."""
    if connection.vendor != "postgresql" or not isinstance(value, str):
        return None
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(f"SELECT CAST(%s AS {field.db_type(connection)})", [value])
            return cursor.fetchone()[0]
    except DatabaseError:
        return None


def made_of(model: type[Model], pk: Any, fields: Fields) -> Model:
    """The object of these fields, which is not saved yet. Raises `RevertError`."""
    values = {"pk": pk}
    fields_of = {field.attname: field for field in model._meta.concrete_fields}
    for name, value in fields.items():
        if name not in fields_of:
            raise RevertError(f"{model._meta.label} has no field {name} any more")
        if fields_of[name].generated:
            continue
        values[name] = value_of(fields_of[name], value)
    return model(**values)
