"""What `migrate` does: the store and the outbox once, and the triggers of recorded models when they differ."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib.auth import get_permission_codename
from django.core.management.base import CommandError
from django.db import connections
from django.db.migrations.operations.base import Operation

from backstory.capture import Capture
from backstory.contrib.django.capturing import drop_home, install, is_migrated, present, remove
from backstory.contrib.django.conf import configured
from backstory.contrib.django.databases import main_database, shares_database
from backstory.contrib.django.draining import begun, drain
from backstory.contrib.django.recording import described, models
from backstory.decide.context import current
from backstory.errors import StoreError
from backstory.rows.kinds import kind

if TYPE_CHECKING:
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor

logger = logging.getLogger(__name__)

FIRST, LATER = "as it was when its history began", "as it was after a migration"
"""Why `migrate` says how rows are: their table was not recorded until then, or was altered."""


class Begin(Operation):
    """Makes the store where it is in the same database, and the outbox with the triggers of the models.

    Backwards it brings what was captured to the log, and takes outbox and triggers away. The log stays.
    """

    reversible = True
    reduces_to_sql = False

    def state_forwards(self, app_label: str, state: Any) -> None:
        """No model changes."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """Make them, in the database that is recorded."""
        settings = configured()
        connection = schema_editor.connection
        if connection.alias == settings.database:
            if shares_database(settings):
                main_database(settings)
            install(connection)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """Take them away."""
        connection = schema_editor.connection
        if connection.alias == configured().database and is_migrated(connection):
            _drained()
            remove(connection)
            drop_home(connection)

    def describe(self) -> str:
        """For `migrate --plan`."""
        return "Record rows: an outbox, and triggers of the models that are recorded"


def finish(using: str, verbosity: int) -> None:
    """After all migrations: triggers that fit the tables, and the rows that were there before them."""
    connection = connections[using]
    if not is_migrated(connection):
        return
    made = install(connection)
    there = {captured.name for captured in present(connection)}
    if missing := sorted({captured.name for _, captured in described()} - there):
        logger.warning(
            "not recorded, because the database %s has no such table: %s", using, ", ".join(missing)
        )
    db = main_database()  # makes the log, where it is a file
    copied = 0
    for captured in present(connection):
        has_begun = any(True for _ in db.read(*kind(captured.history).events.values(), limit=1))
        message = LATER if has_begun else FIRST
        begin = partial(begun, connection)
        copied += Capture([captured]).copy(begin, author=current().author, message=message)
    if configured().drain != "worker":
        _drained()
    if verbosity >= 1 and (made or copied):
        tables = ", ".join(sorted(made)) or "models"
        print(f"  Recording {tables}; {copied:,} rows were there before")  # noqa: T201 - migrate tells of each step


def _drained() -> None:
    """Bring what was captured to the log, or let `migrate` end with the reason why not."""
    try:
        drain()
    except StoreError as error:
        raise CommandError(f"rows that were captured do not come to the log: {error}") from error


def permit(using: str) -> None:
    """The permission to take changes of each recorded model back, where there are permissions."""
    if not (apps.is_installed("django.contrib.auth") and apps.is_installed("django.contrib.contenttypes")):
        return
    from django.contrib.auth.models import Permission
    from django.contrib.contenttypes.models import ContentType

    wanted = list(models())
    types = ContentType.objects.db_manager(using).get_for_models(*wanted)
    names = {
        (types[model].pk, get_permission_codename("revert", model._meta)): model._meta.verbose_name
        for model in wanted
    }
    there = Permission.objects.using(using).filter(codename__startswith="revert_")
    missing = names.keys() - set(there.values_list("content_type_id", "codename"))
    made = [
        (pk, codename, f"Can take back changes of {names[pk, codename]}") for pk, codename in sorted(missing)
    ]
    Permission.objects.using(using).bulk_create(
        Permission(content_type_id=pk, codename=codename, name=name[:255]) for pk, codename, name in made
    )
