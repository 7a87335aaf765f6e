"""System checks: what `manage.py check` says of the settings, each with an id and a hint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings as project
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, Warning
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import DatabaseError, connections, router

from backstory.capture import Capture
from backstory.contrib.django.capturing import is_migrated, present, tx_of
from backstory.contrib.django.conf import Configured, configured
from backstory.contrib.django.databases import MEMORY, address
from backstory.contrib.django.recording import described, models
from backstory.errors import DefinitionError
from backstory.stores import scheme_of

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

MIDDLEWARE = "backstory.contrib.django.middleware.BackstoryMiddleware"
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"


def register() -> None:
    """Let Django ask them."""
    checks.register(check_settings, "backstory")
    checks.register(check_database, Tags.database)


def check_settings(app_configs: Any, **_: Any) -> Sequence[CheckMessage]:  # noqa: ARG001 - as Django calls it
    """The faults that can be seen without a connection."""
    try:
        settings = configured()
        models()
    except ImproperlyConfigured as wrong:
        return [Error(str(wrong), hint="Mend BACKSTORY in the settings of the project.", id="backstory.E001")]
    if settings.database not in connections:
        return [
            Error(
                f"BACKSTORY['DATABASE'] names the database {settings.database!r}, and DATABASES has none of this name.",
                hint=f"It has: {', '.join(connections)}.",
                id="backstory.E002",
            )
        ]
    return [
        *_of_store(settings),
        *_of_transactions(settings),
        *_of_middleware(),
        *_of_models(),
        *_of_routers(settings),
        *_of_admin(settings),
    ]


def _of_store(settings: Configured) -> Iterator[CheckMessage]:
    connection = connections[settings.database]
    if connection.vendor not in ("sqlite", "postgresql"):
        yield Error(
            f"The models of a database of {connection.display_name} cannot be recorded.",
            hint="SQLite and PostgreSQL have the triggers that record rows.",
            id="backstory.E003",
        )
    elif settings.store is None and connection.vendor != "postgresql":
        yield Error(
            "BACKSTORY['STORE'] is missing, and on SQLite the log is a file of its own.",
            hint="Name a file beside the database, such as BASE_DIR / 'history.db'.",
            id="backstory.E004",
        )
    elif settings.store is not None and (file := _file_of(settings.store)) is not None:
        for alias in connections:
            name = connections[alias].settings_dict.get("NAME")
            if connections[alias].vendor == "sqlite" and name and _same_file(file, Path(str(name))):
                yield Error(
                    f"BACKSTORY['STORE'] is the file of the database {alias!r}: {name}.",
                    hint="The log is a file of its own. Two copies of SQLite in one process would break the locks of"
                    " one file, and lose data.",
                    id="backstory.E005",
                )


def _file_of(store: str) -> Path | None:
    scheme = scheme_of(store)
    return None if scheme not in ("", "sqlite") else Path(store.removeprefix("sqlite:///"))


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return one.absolute() == other.absolute()


def _of_transactions(settings: Configured) -> Iterator[CheckMessage]:
    connection = connections[settings.database]
    if settings.store is None and connection.vendor == "postgresql":
        level = connection.settings_dict.get("OPTIONS", {}).get("isolation_level")
        if level is not None and getattr(level, "name", None) != "READ_COMMITTED":
            yield Error(
                f"The isolation level of the database {settings.database!r} is not READ COMMITTED.",
                hint="Commits are judged on what is committed by then: take 'isolation_level' out of its OPTIONS, or"
                " give the log a database of its own by BACKSTORY['STORE'].",
                id="backstory.E006",
            )


def _of_middleware() -> Iterator[CheckMessage]:
    listed = list(getattr(project, "MIDDLEWARE", ()))
    if MIDDLEWARE not in listed:
        if AUTHENTICATION in listed:
            yield Warning(
                "What a request writes has no author: BackstoryMiddleware is not in MIDDLEWARE.",
                hint=f"Add {MIDDLEWARE!r} after {AUTHENTICATION!r}.",
                id="backstory.W001",
            )
    elif AUTHENTICATION in listed and listed.index(MIDDLEWARE) < listed.index(AUTHENTICATION):
        yield Warning(
            "BackstoryMiddleware stands before AuthenticationMiddleware, so that a request has no user yet.",
            hint=f"Move {MIDDLEWARE!r} after {AUTHENTICATION!r}.",
            id="backstory.W002",
        )


def _of_admin(settings: Configured) -> Iterator[CheckMessage]:
    """Admins that were registered after this app was ready, whose objects have the stock history page."""
    if not settings.admin or not apps.is_installed("django.contrib.admin"):
        return
    from backstory.contrib.django.admin import with_stock_page

    missed = sorted(model_admin.model._meta.label for model_admin in with_stock_page())
    if missed:
        yield Warning(
            f"The admins of {', '.join(missed)} have the stock history page.",
            hint="Move 'backstory.contrib.django' after 'django.contrib.admin' in INSTALLED_APPS, or derive the admins"
            " from backstory.contrib.django.admin.RecordedAdmin.",
            id="backstory.W003",
        )


def _of_models() -> Iterator[CheckMessage]:
    try:
        Capture([captured for _, captured in described()])
    except (DefinitionError, FieldDoesNotExist) as wrong:
        yield Error(str(wrong), hint="See recorded(name=..., exclude=...).", id="backstory.E007")


def _of_routers(settings: Configured) -> Iterator[CheckMessage]:
    elsewhere = sorted(
        model._meta.label for model in models() if router.db_for_write(model) != settings.database
    )
    if elsewhere:
        yield Warning(
            f"{', '.join(elsewhere)}: written to another database than {settings.database!r}, and not recorded there.",
            hint="One database of a project is recorded: name it as BACKSTORY['DATABASE'], or take the models out of"
            " RECORD.",
            id="backstory.W006",
        )


def check_database(
    app_configs: Any,  # noqa: ARG001 - as Django calls it
    databases: Sequence[str] | None = None,
    **_: Any,
) -> Sequence[CheckMessage]:
    """The faults that only the database knows; Django asks this where it is going to be used, as by `migrate`."""
    try:
        settings = configured()
        if settings.database not in (databases or ()) or not is_migrated(connections[settings.database]):
            return []  # Django tells of migrations that are to be applied
        where = address(settings)
    except (ImproperlyConfigured, LookupError, DatabaseError):
        return []  # told by `check_settings`, or by Django
    return [*_of_triggers(connections[settings.database]), *_of_log(where)]


def _of_triggers(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    for fault in Capture(present(connection)).check(tx_of(connection)):
        yield Warning(
            fault.removesuffix("; install the capture again"),
            hint="Run manage.py migrate: it makes triggers that fit.",
            id="backstory.W004",
        )


def _of_log(where: str) -> Iterator[CheckMessage]:
    file = _file_of(where)
    if file is not None and where != MEMORY and not file.exists():
        yield Warning(
            f"Rows are recorded, and the log {file} is not there: a new one would begin without the history until now.",
            hint="Put it back, or mend BACKSTORY['STORE']. If there is no history yet, manage.py migrate makes it.",
            id="backstory.W005",
        )
