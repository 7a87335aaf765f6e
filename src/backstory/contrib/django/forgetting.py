"""Forgetting objects: the values that they had are taken out of the history for good, and it verifies as before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.db import connections

from backstory.capture import Capture
from backstory.capture.forgetting import forgotten
from backstory.contrib.django.conf import configured
from backstory.contrib.django.databases import connection_of, current_database, in_transaction
from backstory.contrib.django.draining import begun, drain
from backstory.contrib.django.recording import described, pk_of, row_of
from backstory.errors import StoreRefused
from backstory.rows.kinds import Row

if TYPE_CHECKING:
    from django.db.models import Model


def forget(*objects: Model | Row, message: str, author: str | None = None) -> int:
    """Take the values that these objects have had out of the history, for good; return how many events had them.

    Delete an object before, or empty its fields: what it has now begins its history anew. One that is gone is named by
    its row, `row_of(customer)`, noted while it was there. That something happened, when and by whom stays, and so does
    every hash. Other objects that tell of the same person are to be named, too; their messages are not looked at.

    Raises `StoreRefused` inside of a transaction: what it has written would come to the history after this.
    """
    settings = configured()
    if in_transaction(connection_of(settings)):
        raise StoreRefused(
            "forget after the transaction: what it has written comes to the history at its end"
        )
    return forgotten(
        current_database(settings),
        [one if isinstance(one, Row) else row_of(one) for one in objects],
        message=message,
        author=author,
        drain=lambda: drain(settings),
        copy=lambda row, author: _begin_again(row, author, message),
    )


def _begin_again(row: Row, author: str | None, message: str) -> None:
    """Let the history have an object that is still there as it is now."""
    using = configured().database
    connection = connections[using]
    for model, captured in described():
        if captured.history == row.table:
            fields: Any = cast("Any", model._meta).pk_fields
            pk = pk_of(model, row.key)
            values = pk if len(fields) > 1 else (pk,)
            key = [
                field.get_db_prep_value(value, connection)
                for field, value in zip(fields, values, strict=True)
            ]
            with begun(connection) as tx:
                Capture([captured]).copy_row(tx, key, author=author, message=message)
