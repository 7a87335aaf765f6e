"""The triggers that record rows, in the user's database: made by `migrate`, and made anew where it alters a table.

SQLite drops the triggers of a table that Django remakes, and refuses to drop a column that a trigger names. So the
schema editor takes them away before it alters a table, and puts them back after: what a data migration writes between
two alterations is captured, too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import transaction
from msgspec.structs import replace

from backstory.capture import Capture, Captured
from backstory.capture.capture import HOME
from backstory.capture.connection import transaction_on
from backstory.capture.postgres import place
from backstory.contrib.django.conf import configured
from backstory.contrib.django.recording import described, place_of

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor

    from backstory.tables import Transaction

logger = logging.getLogger(__name__)

ALTERING = (
    "create_model",
    "delete_model",
    "add_field",
    "remove_field",
    "alter_field",
    "alter_db_table",
    "alter_unique_together",
    "add_constraint",
    "remove_constraint",
)
"""The methods of a schema editor that may remake a table, or change its columns."""


def tx_of(connection: BaseDatabaseWrapper) -> Transaction:
    """Django's connection as the capture takes it. No statement of it is counted as one of the application's."""
    connection.ensure_connection()
    return transaction_on(connection.connection)


def columns_of(connection: BaseDatabaseWrapper, table: Captured) -> set[str]:
    """The columns that a table has now; none if it is not there."""
    tx = tx_of(connection)
    if connection.vendor == "sqlite":
        return {name for (name,) in tx.rows("SELECT name FROM pragma_table_info(?)", (table.table,))}
    found = tx.rows(
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped",
        (place(table),),
    )
    return {name for (name,) in found}


def present(connection: BaseDatabaseWrapper) -> list[Captured]:
    """The tables that are there, each with those of its columns that are: in the midst of migrations some are not."""
    found = []
    for _, captured in described():
        names = columns_of(connection, captured)
        columns = tuple(column for column in captured.columns if column.name in names)
        if set(captured.key) <= names:
            left_out = tuple(name for name in captured.left_out if name in names)
            found.append(replace(captured, columns=columns, left_out=left_out))
    return found


def install(connection: BaseDatabaseWrapper) -> list[str]:
    """Make the triggers of the tables that are there, where they do not fit already; return the tables' names.

    Models that are not recorded any more lose theirs. Tables of other programs keep them.
    """
    tx = tx_of(connection)
    wanted = {captured.name for _, captured in described()}
    places = map(place_of, apps.get_models(include_auto_created=True))
    left = {f"{schema}.{table}" if schema else table for schema, table in places} - wanted
    with transaction.atomic(using=connection.alias):
        Capture([]).install(tx)
        if gone := [one for one in Capture([]).recorded(tx) if one.name in left]:
            logger.warning("not recorded any more: %s", ", ".join(one.name for one in gone))
            Capture(gone).remove(tx)
        unfit = [one for one in present(connection) if Capture([one]).check(tx)]
        for one in unfit:
            Capture([one]).install(tx)
    return [one.name for one in unfit]


def remove(connection: BaseDatabaseWrapper) -> None:
    """Drop all triggers of the capture. What is in the outbox stays for the drainer."""
    Capture(present(connection)).remove(tx_of(connection))


def is_migrated(connection: BaseDatabaseWrapper) -> bool:
    """Whether the migration of this app was applied: without it nothing is captured."""
    tx = tx_of(connection)
    if connection.vendor == "sqlite":
        return bool(tx.rows("SELECT 1 FROM sqlite_master WHERE name = 'backstory_outbox'"))
    return tx.rows(f"SELECT to_regclass('{HOME}.outbox')")[0][0] is not None


def drop_home(connection: BaseDatabaseWrapper) -> None:
    """Drop the outbox. What says whose history the log has stays: it may go on some day."""
    tx = tx_of(connection)
    place = "backstory_{}" if connection.vendor == "sqlite" else f"{HOME}.{{}}"
    for name in ("outbox", "layouts", "said"):
        tx.execute(f"DROP TABLE IF EXISTS {place.format(name)}")


@contextmanager
def altered(editor: Any) -> Iterator[dict[str, str]]:
    """Alter tables in a block: their triggers are away meanwhile, and fit the altered tables after it.

    Gives the histories of the tables that were recorded until then, by their tables.
    """
    connection = editor.connection
    if getattr(editor, "_backstory_inside", False) or editor.collect_sql or not is_migrated(connection):
        yield {}
        return
    editor._backstory_inside = True
    try:
        was = {one.name: one.history for one in Capture([]).recorded(tx_of(connection))}
        if connection.vendor == "sqlite":
            remove(connection)
        yield was
        install(connection)
    finally:
        editor._backstory_inside = False


def _tell_of_renamed(was: dict[str, str], old: str, new: str) -> None:
    """Warn where a table has another name now, and its rows another history."""
    for model, captured in described():
        history = was.get(old)
        if captured.name == new and history is not None and history != captured.history:
            logger.warning(
                "the table %s is %s now: the history %s ends here, and %s begins. To go on with the first one, say"
                " @recorded(name=%r) above %s, and run migrate again",
                *(old, new, history, captured.history, history, model.__name__),
            )


@cache
def editor_over(cls: type[BaseDatabaseSchemaEditor]) -> type[BaseDatabaseSchemaEditor]:
    """The schema editor of a backend that keeps the triggers."""

    def kept(name: str) -> Callable[..., Any]:
        usual = getattr(cls, name)

        @wraps(usual)
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            with altered(self) as was:
                result = usual(self, *args, **kwargs)
            if name == "alter_db_table":
                _tell_of_renamed(was, *args[1:3])
            return result

        return method

    made: type[BaseDatabaseSchemaEditor] = type(cls.__name__, (cls,), {name: kept(name) for name in ALTERING})
    return made


def keep_triggers(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Let the schema editor of a connection that was just made keep the triggers."""
    if connection.alias == configured().database and connection.vendor in ("sqlite", "postgresql"):
        made = connection.SchemaEditorClass
        if made is not None and not hasattr(made, "_backstory_kept"):
            over = editor_over(made)
            over._backstory_kept = True  # type: ignore[attr-defined]
            connection.SchemaEditorClass = over
